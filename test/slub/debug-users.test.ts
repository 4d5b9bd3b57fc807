/** Who holds what: tracks, the sysfs texts made of them, the leak report, and what limits them. */
import { expect, test } from "vitest";
import { ENOSYS } from "../../src/caches/errno.ts";
import {
  __CMPXCHG_DOUBLE,
  SLAB_CONSISTENCY_CHECKS,
  SLAB_POISON,
  SLAB_RED_ZONE,
  SLAB_STORE_USER,
  SLAB_TRACE,
} from "../../src/caches/flags.ts";
import { pointerText } from "../../src/caches/pointer-text.ts";
import { MIB, systemOf } from "../../src/kernel/kernel.ts";
import { callersOf, noWitness } from "../../src/machine/witness.ts";
import { allocCalls, freeCalls } from "../../src/slub/debug/locations.ts";
import { PRINTED_REPORTS } from "../../src/slub/debug/reports.ts";
import { TRACK_ALLOC } from "../../src/slub/debug/tracks.ts";
import { KmemCache } from "../../src/slub/structs.ts";
import { bench } from "../kunit/bench.ts";

function tracked() {
  const on = bench();
  const s = on.kernel.kmemCacheCreate("tracked", 64, { flags: SLAB_STORE_USER });
  return { ...on, s };
}

test("a leak report groups objects by who allocated them, full slabs included", () => {
  const { kernel, s } = tracked();
  function leaky(): number {
    return kernel.kmemCacheAlloc(s);
  }
  const held = Array.from({ length: 100 }, leaky);
  const kept = kernel.kmemCacheAlloc(s);
  const report = kernel.debug.liveObjects(s) ?? [];
  expect(report.map(({ count, bytes }) => [count, bytes])).toEqual([
    [100, 6400],
    [1, 64],
  ]);
  expect(report[0]?.site).toMatch(/^leaky \(slub\/debug-users\.test\.ts\S*:\d+:\d+\)$/);
  expect(report[0]?.addresses).toEqual(held.sort((a, b) => a - b));
  expect(report[1]?.addresses).toEqual([kept]);
  for (const object of [...held, kept]) kernel.kmemCacheFree(s, object);
  expect(kernel.debug.liveObjects(s)).toEqual([]);
});

test("alloc_calls and free_calls name callers, ages, tasks and CPUs, most objects first", () => {
  const { kernel, slub, s } = tracked();
  let now = 1000;
  systemOf(kernel).machine.witness = { stack: () => ["first (a.ts:1:1)"], milliseconds: () => now };
  expect(allocCalls(slub, s)).toBe("No data\n");
  const objects = [0, 10, 50].map((age) => {
    now = 1000 - age;
    return kernel.kmemCacheAlloc(s);
  });
  now = 1000;
  systemOf(kernel).machine.witness = {
    stack: () => ["second (b.ts:2:2)"],
    milliseconds: () => 1000,
  };
  kernel.kmemCacheFree(s, objects[0] as number);
  expect(kernel.kmemCacheAlloc(s)).toBe(objects[0]);
  expect(allocCalls(slub, s)).toBe(
    "      2 first (a.ts:1:1) age=10/30/50 pid=0 cpus=0\n      1 second (b.ts:2:2) age=0 pid=0 cpus=0\n",
  );
  expect(freeCalls(slub, s)).toBe(
    "      2 <not-available>\n      1 second (b.ts:2:2) age=0 pid=0 cpus=0\n",
  );
});

test("alloc_calls has no limit on how many objects one caller holds", () => {
  const { kernel, slub } = bench({ kernel: "6.1", memory: 96 * MIB });
  systemOf(kernel).machine.witness = noWitness;
  const s = kernel.kmemCacheCreate("numerous", 500, { flags: SLAB_STORE_USER });
  const held = 140_000;
  for (let i = 0; i < held; i++) kernel.kmemCacheAlloc(s);
  expect(allocCalls(slub, s)).toBe(` ${held} <not-available> age=0 pid=0 cpus=0\n`);
});

test("a cache that tracks nobody has no such files", () => {
  const { kernel, slub } = bench();
  const s = kernel.kmemCacheCreate("untracked", 64, { flags: SLAB_RED_ZONE });
  expect(allocCalls(slub, s)).toBe(-ENOSYS);
});

test("stacks are stored once, and when their room is used up tracks go on without", () => {
  const { kernel, slub, s } = tracked();
  let stack: readonly string[] = [];
  systemOf(kernel).machine.witness = { stack: () => stack, milliseconds: () => 0 };
  const stackOf = (frames: readonly string[]): readonly string[] | undefined => {
    stack = frames;
    const object = kernel.kmemCacheAlloc(s);
    const track = slub.debugging.tracks.get(s, object, TRACK_ALLOC);
    kernel.kmemCacheFree(s, object);
    return track?.stack;
  };
  // The same one ten thousand times needs no more room than once.
  for (let i = 0; i < 2000; i++) expect(stackOf(["a (x.ts:1:1)", "b (x.ts:2:2)"])).toHaveLength(2);
  let stored = 0;
  for (let i = 0; i < 2000 && stackOf([`frame ${i} (some/file.ts:${i}:1)`])?.length === 1; i++) {
    stored = i;
  }
  expect(stored).toBeGreaterThan(500);
  expect(stored).toBeLessThan(1900);
  expect(stackOf(["a frame nobody has seen (x.ts:3:3)"])).toEqual([]);
  expect(stackOf(["a (x.ts:1:1)", "b (x.ts:2:2)"])).toEqual(["a (x.ts:1:1)", "b (x.ts:2:2)"]);
});

test("a track that was overwritten is not followed", () => {
  const { kernel, slub, s } = tracked();
  const object = kernel.kmemCacheAlloc(s);
  const at = object + slub.debugging.layout.infoEnd(s);
  for (const garbage of [0x6b, 0x01, 0xff]) {
    systemOf(kernel).memory.fill(at + 4, garbage, 4);
    expect(slub.debugging.tracks.get(s, object, TRACK_ALLOC)).toBeUndefined();
  }
});

test("reports are printed up to a limit, and counted beyond it", () => {
  const { kernel, slub, lines, reports, poke } = bench();
  systemOf(kernel).machine.witness = noWitness;
  const s = kernel.kmemCacheCreate("noisy", 64, { flags: SLAB_RED_ZONE });
  for (let i = 0; i < PRINTED_REPORTS; i++) {
    const object = kernel.kmemCacheAlloc(s);
    poke(object + 64, 0x12);
    kernel.kmemCacheFree(s, object);
  }
  expect(slub.debugging.reports.errors).toBe(2 * PRINTED_REPORTS);
  expect(reports).toHaveLength(PRINTED_REPORTS);
  expect(lines.filter((line) => line.startsWith("BUG "))).toHaveLength(PRINTED_REPORTS / 2);
  expect(lines.at(-1)).toBe(
    `SLUB: ${PRINTED_REPORTS} reports printed; further ones are only counted`,
  );
});

test("whatever is checked of a cache of 4.1, its slabs change under slab_lock alone", () => {
  const { kernel } = bench();
  for (const flags of [SLAB_CONSISTENCY_CHECKS, SLAB_RED_ZONE, SLAB_POISON, SLAB_STORE_USER]) {
    const s = kernel.kmemCacheCreate("checked", 64, { flags });
    expect(systemOf(kernel).memory.read32(s + KmemCache.flags) & __CMPXCHG_DOUBLE).toBe(0);
    kernel.kmemCacheDestroy(s);
  }
});

test("a traced cache prints a line for each allocation and free", () => {
  const { kernel, lines } = bench();
  const s = kernel.kmemCacheCreate("traced", 64, { flags: SLAB_TRACE });
  const object = kernel.kmemCacheAlloc(s);
  kernel.kmemCacheFree(s, object);
  const address = pointerText("4.1", object);
  const traces = lines.filter((line) => line.startsWith("TRACE"));
  expect(traces).toHaveLength(2);
  expect(traces[0]).toMatch(new RegExp(`^TRACE traced alloc ${address} inuse=\\d+ fp=0x`));
  expect(traces[1]).toMatch(new RegExp(`^TRACE traced free ${address} inuse=\\d+ fp=0x`));
});

test("stack texts of both kinds of engine are read, the allocator's own frames left out", () => {
  const v8 = [
    "Error",
    "    at captureStack (file:///lib/src/machine/witness.ts:1:1)",
    "    at Kernel.kfree (file:///lib/src/kernel/kernel.ts:2:2)",
    "    at user (file:///home/u/app/main.ts:10:5)",
    "    at /home/u/app/other.ts:11:6",
    "    at node:internal/main:1:1",
  ].join("\n");
  expect(callersOf(v8, "/lib/src/")).toEqual([
    "user (app/main.ts:10:5)",
    "<anonymous> (app/other.ts:11:6)",
  ]);
  const gecko = "kfree@http://host/lib/kernel.ts:2:2\nuser@http://host/app/main.ts:10:5";
  expect(callersOf(gecko, "http://host/lib/")).toEqual(["user (app/main.ts:10:5)"]);
});
