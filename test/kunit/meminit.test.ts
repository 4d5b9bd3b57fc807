/**
 * What the kernel's test_meminit asserts of the contents of memory: zero where it must be, a
 * constructor's work kept, what readers under RCU may still see kept across free and reallocation.
 */
import { describe, expect, test } from "vitest";
import { SLAB_TYPESAFE_BY_RCU } from "../../src/caches/flags.ts";
import type { BootOptions } from "../../src/kernel/kernel.ts";
import type { Address } from "../../src/machine/memory.ts";
import { __GFP_ZERO, GFP_KERNEL } from "../../src/pages/gfp.ts";
import { bench } from "./bench.ts";

const SIZES = [8, 16, 64, 200, 511, 1000, 5000];
const GARBAGE = 0xab;
/** Objects of a cache that are filled with garbage and freed before the test takes its own. */
const USED = 40;
const RETRIES = 1024;

function zeros(length: number): number[] {
  return new Array<number>(length).fill(0);
}

/** A machine, a cache, and its memory full of what others left there. */
function used(size: number, options: BootOptions = {}, flags = 0) {
  const on = bench(options);
  const { kernel } = on;
  const s = kernel.kmemCacheCreate("meminit", size, { flags });
  const objects = Array.from({ length: USED }, () => kernel.kmemCacheAlloc(s));
  for (const object of objects) kernel.memory.fill(object, GARBAGE, size);
  for (const object of objects) kernel.kmemCacheFree(s, object);
  return { ...on, s };
}

describe.each(SIZES)("objects of %i bytes", (size) => {
  test("__GFP_ZERO gives zeros, one by one and in bulk, and nothing else does", () => {
    const { kernel, s, peek } = used(size);
    expect(peek(kernel.kmemCacheZalloc(s), size)).toEqual(zeros(size));
    const p: Address[] = [];
    expect(kernel.kmemCacheAllocBulk(s, 10, p, GFP_KERNEL | __GFP_ZERO)).toBe(10);
    for (const object of p) expect(peek(object, size)).toEqual(zeros(size));
    expect(peek(kernel.kmemCacheAlloc(s), size)).not.toEqual(zeros(size));
  });

  test.each([
    ["init_on_alloc", { initOnAlloc: true }],
    ["init_on_free", { initOnFree: true }],
  ])("%s gives zeros always, one by one and in bulk", (_name, options) => {
    const { kernel, s, peek } = used(size, options);
    expect(peek(kernel.kmemCacheAlloc(s), size)).toEqual(zeros(size));
    const p: Address[] = [];
    expect(kernel.kmemCacheAllocBulk(s, 10, p)).toBe(10);
    for (const object of p) expect(peek(object, size)).toEqual(zeros(size));
  });

  test("init_on_free leaves nothing in a free object but its free pointer", () => {
    const { kernel, s, peek } = used(size, { initOnFree: true, hardened: false });
    const object = kernel.kmemCacheAlloc(s);
    kernel.memory.fill(object, GARBAGE, size);
    kernel.kmemCacheFree(s, object);
    expect(peek(object, size)).not.toContain(GARBAGE);
    expect(peek(object + 4, size - 4)).toEqual(zeros(size - 4));
  });

  test.each([
    ["as booted", {}],
    ["with init_on_alloc", { initOnAlloc: true }],
    ["with init_on_free", { initOnFree: true }],
  ])("a constructor's work is kept, %s", (_name, options) => {
    const { kernel, peek } = bench(options);
    const { functions } = kernel.machine;
    const ctor = functions.register((object) => kernel.memory.fill(object, 0x7e, size));
    const s = kernel.kmemCacheCreate("constructed", size, { ctor });
    const constructed = new Array<number>(size).fill(0x7e);
    for (let round = 0; round < 3; round++) {
      const objects = Array.from({ length: 20 }, () => kernel.kmemCacheAlloc(s));
      for (const object of objects) expect(peek(object, size)).toEqual(constructed);
      for (const object of objects) kernel.kmemCacheFree(s, object);
    }
  });

  test.each([
    ["as booted", {}],
    ["with init_on_alloc", { initOnAlloc: true }],
    ["with init_on_free", { initOnFree: true }],
  ])("what a reader under RCU may see survives free and reallocation, %s", (_name, options) => {
    const { kernel, peek } = bench(options);
    const s = kernel.kmemCacheCreate("typesafe", size, { flags: SLAB_TYPESAFE_BY_RCU });
    const object = kernel.kmemCacheAlloc(s);
    kernel.memory.fill(object, GARBAGE, size);
    const content = peek(object, size);
    kernel.kmemCacheFree(s, object);
    expect(peek(object, size)).toEqual(content);
    const others: Address[] = [];
    let again = kernel.kmemCacheAlloc(s);
    while (again !== object && others.length < RETRIES) {
      others.push(again);
      again = kernel.kmemCacheAlloc(s);
    }
    expect(again).toBe(object);
    expect(peek(object, size)).toEqual(content);
  });
});
