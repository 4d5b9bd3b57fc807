/**
 * Debug caches of 6.1: no CPU has a slab of them, and list_lock guards all that they are. Single
 * objects are taken from the slabs of a node, and chains are given back whole or not at all.
 */
import { describe, expect, test } from "vitest";
import {
  SLAB_CONSISTENCY_CHECKS,
  SLAB_POISON,
  SLAB_RED_ZONE,
  SLAB_STORE_USER,
} from "../../src/caches/flags.ts";
import { pointerText } from "../../src/caches/pointer-text.ts";
import { explore } from "../../src/explore/explore.ts";
import { systemOf } from "../../src/kernel/kernel.ts";
import { on, type SlabScenario, scenarioOf, task } from "../../src/laboratory/scenario.ts";
import { alloc, free, shrink, write } from "../../src/laboratory/steps.ts";
import { KmemCache, KmemCacheCpu } from "../../src/slub/structs.ts";
import { bench } from "../kunit/bench.ts";

const FZPU = SLAB_CONSISTENCY_CHECKS | SLAB_RED_ZONE | SLAB_POISON | SLAB_STORE_USER;

function debugCache(flags = FZPU) {
  const on61 = bench({ kernel: "6.1" });
  const s = on61.kernel.kmemCacheCreate("single", 64, { flags });
  return { ...on61, s };
}

test("no CPU keeps a slab or an object of a debug cache", () => {
  const { kernel, s } = debugCache();
  const { memory } = systemOf(kernel);
  const objects = Array.from({ length: 100 }, () => kernel.kmemCacheAlloc(s));
  for (const object of objects.slice(0, 50)) kernel.kmemCacheFree(s, object);
  for (const cpu of [0, 1]) {
    const c = memory.perCpuPtr(memory.read32(s + KmemCache.cpuSlab), cpu);
    expect(memory.read32(c + KmemCacheCpu.page)).toBe(0);
    expect(memory.read32(c + KmemCacheCpu.partial)).toBe(0);
  }
});

describe("damage", () => {
  test("is not looked for by those who take and give objects without consistency checks", () => {
    const { kernel, s, poke, validate: check, errorsOf } = debugCache(SLAB_RED_ZONE);
    const [first = 0, second = 0] = [kernel.kmemCacheAlloc(s), kernel.kmemCacheAlloc(s)];
    poke(first + 64, 0x12);
    poke(second + 64, 0x12);
    expect(errorsOf(() => kernel.kmemCacheFree(s, first))).toBe(0);
    expect(check(s)).toBe(2);
  });

  test("keeps an object from being freed, and a validation has nothing to add", () => {
    const { kernel, s, poke, validate: check, errorsOf } = debugCache();
    const object = kernel.kmemCacheAlloc(s);
    poke(object + 64, 0x12);
    expect(errorsOf(() => kernel.kmemCacheFree(s, object))).toBe(3);
    expect(check(s)).toBe(0);
    expect(errorsOf(() => kernel.kmemCacheFree(s, object))).toBe(0);
  });

  test("of one object keeps a whole chain from being freed", () => {
    const { kernel, s, poke, errorsOf } = debugCache();
    const objects = Array.from({ length: 3 }, () => kernel.kmemCacheAlloc(s));
    poke((objects[0] as number) + 64, 0x12);
    expect(errorsOf(() => kernel.kmemCacheFreeBulk(s, 3, [...objects]))).toBe(3);
    expect(kernel.kmemCacheDestroy(s)).not.toBe(0);
  });

  test("is told in the words of 6.1", () => {
    const { kernel, s, poke, lines } = debugCache();
    const object = kernel.kmemCacheAlloc(s);
    poke(object + 64, 0x12);
    kernel.kmemCacheFree(s, object);
    const at = pointerText("6.1", object + 64);
    expect(lines).toContain("BUG single (Not tainted): Right Redzone overwritten");
    expect(lines.find((line) => line.startsWith(`${at}-${at} @offset=`))).toMatch(
      /\. First byte 0x12 instead of 0xcc$/,
    );
    expect(lines).toContain(`FIX single: Restoring Right Redzone ${at}-${at}=0xcc`);
    expect(lines.filter((line) => line.startsWith("INFO"))).toEqual([]);
  });
});

test("a chain that claims more objects than are in use is refused", () => {
  const { kernel, s, reports } = debugCache();
  const object = kernel.kmemCacheAlloc(s);
  kernel.kmemCacheFreeBulk(s, 2, [object, object]);
  expect(reports.map(({ message }) => message)).toEqual([
    "Slab has 1 allocated objects but 2 are to be freed",
  ]);
});

test("ksize gives its caller the bytes that kmalloc was not asked for", () => {
  const { kernel, poke, errorsOf } = bench({
    kernel: "6.1",
    parameters: { slub_debug: "FZPU" },
  });
  const [guarded, given] = [kernel.kmalloc(40), kernel.kmalloc(40)];
  expect(kernel.ksize(given)).toBe(64);
  for (const object of [guarded, given]) poke(object + 50, 0x12);
  expect(errorsOf(() => kernel.kfree(given))).toBe(0);
  expect(errorsOf(() => kernel.kfree(guarded))).toBeGreaterThan(0);
});

const validated: SlabScenario = {
  name: "validated-while-used",
  story: "A debug cache is validated while one CPU takes an object and another gives one back.",
  machine: { cpus: 3, kernel: "6.1", size: 256, flags: FZPU },
  setup: on(0, alloc("a", 2), free("a.0"), shrink()),
  contexts: [
    task("A", 0, write("validate", "1")),
    task("B", 1, alloc("x")),
    task("C", 2, free("a.1")),
  ],
};

test("a validation beside allocations and frees sees counts and lists agree", () => {
  const { failure, complete } = explore({
    ...scenarioOf(validated),
    search: { strategy: "bound", preemptions: 1, seconds: 60 },
  });
  expect(failure?.message).toBeUndefined();
  expect(complete?.preemptions).toBe(1);
});
