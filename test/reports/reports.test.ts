/** What the machine says, beside what people have posted: the same lines with other values. */
import { describe, expect, test } from "vitest";
import { SLAB_RED_ZONE, SLAB_STORE_USER } from "../../src/caches/flags.ts";
import { gfpText } from "../../src/caches/gfp-text.ts";
import type { KernelVersion } from "../../src/caches/kernel-version.ts";
import { boot, MIB, systemOf } from "../../src/kernel/kernel.ts";
import {
  __GFP_NOWARN,
  __GFP_ZERO,
  GFP_ATOMIC,
  GFP_KERNEL,
  GFP_NOWAIT,
} from "../../src/pages/gfp.ts";
import { bench } from "../kunit/bench.ts";
import { HEX_ROWS, OUT_OF_MEMORY, RED_ZONE, shapeOf } from "./public.ts";

/** A machine whose memory is full of objects of one cache, and what it said about that. */
function full(kernel: KernelVersion, gfp: number, size = 576) {
  const on = bench({ kernel, memory: 4 * MIB });
  const s = on.kernel.kmemCacheCreate("radix_tree_node", size);
  while (on.kernel.kmemCacheAlloc(s, gfp) !== 0);
  return { ...on, s };
}

describe("out of memory", () => {
  test.each(OUT_OF_MEMORY)("of $source is told line by line", ({ kernel, lines }) => {
    const { lines: ours } = full(kernel, GFP_ATOMIC);
    const [request = "", ...rest] = lines.map(shapeOf);
    expect(shapeOf(ours[0] ?? "").replace(/\(.*\)$/, "")).toBe(request.replace(/\(.*\)$/, ""));
    expect(ours.slice(1, 3).map(shapeOf)).toEqual(rest);
  });

  test("is told with the numbers of the cache and its nodes", () => {
    const { lines, s, kernel } = full("4.1", GFP_ATOMIC);
    expect(lines.slice(0, 2)).toEqual([
      "SLUB: Unable to allocate memory on node -1 (gfp=0x20)",
      "  cache: radix_tree_node, object size: 576, buffer size: 576, default order: 1, min order: 0",
    ]);
    const { numObjs, numSlabs } = systemOf(kernel).observer.slabInfo(s);
    expect(lines[2]).toBe(`  node 0: slabs: ${numSlabs}, objs: ${numObjs}, free: 0`);
  });

  test("is told ten times in five seconds, then how often it was not", () => {
    const { kernel, lines, s } = full("4.1", GFP_ATOMIC);
    let now = 1000;
    systemOf(kernel).machine.witness = { stack: () => [], milliseconds: () => now };
    lines.length = 0;
    // The first report was told by another clock.
    now = Date.now() + 10_000;
    const told = () => lines.filter((line) => line.startsWith("SLUB: Unable")).length;
    for (let i = 0; i < 100; i++) kernel.kmemCacheAlloc(s, GFP_ATOMIC);
    expect(told()).toBe(10);
    now += 6000;
    kernel.kmemCacheAlloc(s, GFP_ATOMIC);
    expect(told()).toBe(11);
    expect(lines).toContain("slab_out_of_memory: 90 callbacks suppressed");
  });

  test("is not told to a caller that wants no warning", () => {
    expect(full("4.1", GFP_ATOMIC | __GFP_NOWARN).lines).toEqual([]);
  });

  test("names debugging where it makes the smallest slab larger", () => {
    const { kernel, lines } = bench({ memory: 4 * MIB, parameters: { slub_debug: "FZPU" } });
    while (kernel.kmalloc(4096, GFP_ATOMIC) !== 0);
    expect(lines[2]).toBe(
      "  kmalloc-4096 debugging increased min order, use slub_debug=O to disable.",
    );
  });

  test.each([
    ["4.1", [], []],
    [
      "4.1",
      ["DEBUG_SLAB"],
      [
        /^SLAB: Unable to allocate memory on node 0 \(gfp=0x4020\)$/,
        /^ {2}cache: full, object size: \d+, order: 0$/,
        /^ {2}node 0: slabs: (\d+)\/\1, objs: (\d+)\/\2, free: 0$/,
      ],
    ],
    [
      "6.1",
      ["DEBUG_SLAB"],
      [
        /^SLAB: Unable to allocate memory on node 0, gfp=0x[0-9a-f]+\(GFP_ATOMIC\|__GFP_COMP\)$/,
        /^ {2}cache: full, object size: \d+, order: 0$/,
        /^ {2}node 0: slabs: (\d+)\/\1, objs: (\d+)\/\2$/,
      ],
    ],
  ] as const)("of SLAB %s with %j is told by DEBUG_SLAB alone", (version, config, expected) => {
    const kernel = boot({ allocator: "slab", kernel: version, memory: 4 * MIB, config });
    const said: string[] = [];
    kernel.debug.onConsole((line) => said.push(line));
    const s = kernel.kmemCacheCreate("full", 1000);
    kernel.run(() => {
      while (kernel.kmemCacheAlloc(s, GFP_ATOMIC) !== 0);
    });
    expect(said.slice(0, 3)).toHaveLength(expected.length);
    for (const [i, line] of expected.entries()) expect(said[i]).toMatch(line);
  });

  test("flags are told by name since 4.7", () => {
    expect(gfpText("4.1", GFP_KERNEL)).toBe(" (gfp=0xd0)");
    expect(gfpText("6.1", GFP_KERNEL)).toBe(", gfp=0xcc0(GFP_KERNEL)");
    expect(gfpText("6.1", GFP_ATOMIC)).toBe(", gfp=0xa20(GFP_ATOMIC)");
    expect(gfpText("6.1", GFP_NOWAIT | __GFP_ZERO)).toBe(", gfp=0x900(GFP_NOWAIT|__GFP_ZERO)");
  });
});

describe("a report of damage", () => {
  test.each(RED_ZONE)("as in $source ($printedBy), line by line", ({ kernel, lines }) => {
    const { kernel: machine, lines: ours, poke } = bench({ kernel });
    const taints = lines.some((line) => line.includes("Tainted"));
    const flags = SLAB_RED_ZONE | SLAB_STORE_USER;
    const s = machine.kmemCacheCreate("victims", 512, { flags: flags | 0x100 });
    const overrun = () => {
      const object = machine.kmemCacheAlloc(s);
      poke(object + 513, 0x40);
      machine.kmemCacheFree(s, object);
    };
    // A report names the taint of those before it.
    if (taints) overrun();
    ours.length = 0;
    overrun();
    const shapes = ours.map(shapeOf).map((line) => line.replace(/\w+ Redzone/, "kmalloc Redzone"));
    let at = 0;
    for (const wanted of lines) {
      const found = shapes.indexOf(shapeOf(wanted), at);
      expect(found, `${wanted}\nafter ${at} lines of\n${ours.join("\n")}`).toBeGreaterThanOrEqual(
        at,
      );
      at = found + 1;
    }
  });

  test("rows of bytes have the columns of real ones", () => {
    const { kernel, lines, poke } = bench();
    const s = kernel.kmemCacheCreate("victims", 60, { flags: SLAB_RED_ZONE });
    const object = kernel.kmemCacheAlloc(s);
    poke(object + 60, 0x12);
    kernel.kmemCacheFree(s, object);
    const columns = (row: string) => /^(\w+) [0-9a-f]+: ((?:[0-9a-f]{2} ?)+)/.exec(row)?.slice(1);
    for (const real of HEX_ROWS) {
      const [label = "", bytes = ""] = columns(real) ?? [];
      const width = real.indexOf(": ") + 2 + 49;
      expect(real.slice(width).length, real).toBe(bytes.trim().split(" ").length);
      const own = lines.find((line) => line.startsWith(`${label} `));
      if (own === undefined) continue;
      const [, shown = ""] = columns(own) ?? [];
      expect(own.slice(own.indexOf(": ") + 2 + 49)).toHaveLength(shown.trim().split(" ").length);
    }
  });

  test("ends with the calls of its finder: of a double free, the second one", () => {
    const { kernel, lines, reports } = bench({ parameters: { slub_debug: "FZPU" } });
    const object = kernel.kmalloc(100);
    const first = () => kernel.kfree(object);
    const second = () => kernel.kfree(object);
    first();
    second();
    const [report] = reports;
    expect(report?.message).toBe("Object already free");
    expect(report?.freed?.stack[0]).toMatch(/^first /);
    expect(report?.finder[0]).toMatch(/^second /);
    const calls = lines.slice(lines.indexOf("Call Trace:") + 1);
    expect(calls[0]).toMatch(/^ second \(reports\/reports\.test\.ts/);
    expect(lines.at(-1)).toMatch(/^FIX kmalloc-128: Object at 0x[0-9a-f]{16} not freed$/);
  });

  test("tells the taint of the reports before it, and its own only once", () => {
    const { kernel, lines } = bench({ parameters: { slub_debug: "FZPU" } });
    for (let i = 0; i < 2; i++) {
      const object = kernel.kmalloc(100);
      kernel.kfree(object);
      kernel.kfree(object);
    }
    expect(lines.filter((line) => line.startsWith("BUG"))).toEqual([
      "BUG kmalloc-128 (Not tainted): Object already free",
      "BUG kmalloc-128 (Tainted: G    B          ): Object already free",
    ]);
    expect(lines.filter((line) => line.startsWith("Disabling lock debugging"))).toHaveLength(1);
  });
});

describe("an injected failure", () => {
  test("is told with the settings it came from, and who met it", () => {
    const kernel = boot({ kernel: "4.1", cpus: 1, memory: 8 * MIB, failSlab: { times: 0 } });
    const said: string[] = [];
    kernel.debug.onConsole((line) => said.push(line));
    kernel.debug.failSlab?.arm({ times: 1, interval: 2 });
    const meet = () => kernel.kmalloc(100);
    expect([meet() > 0, meet()]).toEqual([true, 0]);
    expect(said.slice(0, 2)).toEqual([
      "FAULT_INJECTION: forcing a failure.",
      "name failslab, interval 2, probability 100, space 0, times 1",
    ]);
    expect(said.some((line) => line.startsWith(" meet ("))).toBe(true);
  });

  test("is told as shortly as is wanted", () => {
    const kernel = boot({ kernel: "4.1", cpus: 1, memory: 8 * MIB, failSlab: { times: 0 } });
    const said: string[] = [];
    kernel.debug.onConsole((line) => said.push(line));
    for (const verbose of [1, 0] as const) {
      kernel.debug.failSlab?.arm({ times: 1, verbose });
      kernel.kmalloc(100);
    }
    expect(said).toHaveLength(2);
  });
});
