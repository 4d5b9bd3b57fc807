/**
 * The assertions of the kernel's test_meminit about the contents of memory: zero where it must be,
 * a constructor's work kept, bytes that RCU readers may still see kept across free and
 * reallocation.
 */
import { describe, expect, test } from "vitest";
import { CFLGS_OBJFREELIST_SLAB, SLAB_TYPESAFE_BY_RCU } from "../../src/caches/flags.ts";
import type { BootOptions } from "../../src/kernel/boot-options.ts";
import { boot, type Kernel, MIB, systemOf, threadOf } from "../../src/kernel/kernel.ts";
import { PAGE_SIZE } from "../../src/machine/machine.ts";
import type { Address } from "../../src/machine/memory.ts";
import { __GFP_ZERO, GFP_KERNEL } from "../../src/pages/gfp.ts";
import { KmemCache } from "../../src/slab/structs.ts";

const SIZES = [8, 16, 64, 200, 511, 1000, 5000];
const GARBAGE = 0xab;
/** Objects of a cache that are filled with garbage and freed before the test takes its own. */
const USED = 40;
const RETRIES = 1024;

function zeros(length: number): number[] {
  return new Array<number>(length).fill(0);
}

/** A machine, of which the calling thread stays one CPU for good. */
function machine(options: BootOptions) {
  const kernel = boot({ cpus: 2, memory: 16 * MIB, ...options });
  threadOf(kernel).enterCpu(0);
  return { kernel, peek: (at: Address, length: number) => peek(kernel, at, length) };
}

function peek(kernel: Kernel, at: Address, length: number): number[] {
  return Array.from({ length }, (_, i) => systemOf(kernel).memory.read8(at + i));
}

/** A machine, a cache, and its memory full of what others left there. */
function used(size: number, options: BootOptions, flags = 0) {
  const on = machine(options);
  const { kernel } = on;
  const s = kernel.kmemCacheCreate("meminit", size, { flags });
  const objects = Array.from({ length: USED }, () => kernel.kmemCacheAlloc(s));
  for (const object of objects) systemOf(kernel).memory.fill(object, GARBAGE, size);
  for (const object of objects) kernel.kmemCacheFree(s, object);
  return { ...on, s };
}

const ALLOCATORS: readonly { name: string; on: BootOptions }[] = [
  { name: "SLUB", on: { allocator: "slub" } },
  { name: "SLAB of 4.1", on: { allocator: "slab", kernel: "4.1" } },
  { name: "SLAB of 6.1", on: { allocator: "slab", kernel: "6.1" } },
];
const CASES = ALLOCATORS.flatMap((each) => SIZES.map((size) => ({ ...each, size })));

describe.each(CASES)("$name, objects of $size bytes", ({ on, size }) => {
  test("__GFP_ZERO gives zeros, one by one and in bulk, and nothing else does", () => {
    const { kernel, s, peek } = used(size, on);
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
    const { kernel, s, peek } = used(size, { ...on, ...options });
    expect(peek(kernel.kmemCacheAlloc(s), size)).toEqual(zeros(size));
    const p: Address[] = [];
    expect(kernel.kmemCacheAllocBulk(s, 10, p)).toBe(10);
    for (const object of p) expect(peek(object, size)).toEqual(zeros(size));
  });

  test("init_on_free leaves nothing in free objects but a free pointer, one by one and in bulk", () => {
    const { kernel, s, peek } = used(size, { ...on, initOnFree: true });
    const objects = Array.from({ length: 10 }, () => kernel.kmemCacheAlloc(s));
    for (const object of objects) systemOf(kernel).memory.fill(object, GARBAGE, size);
    kernel.kmemCacheFree(s, objects[0] as Address);
    kernel.kmemCacheFreeBulk(s, 9, objects.slice(1));
    for (const object of objects) {
      expect(peek(object, size)).not.toContain(GARBAGE);
      expect(peek(object + 4, size - 4)).toEqual(zeros(size - 4));
    }
  });

  test.each([
    ["as booted", {}],
    ["with init_on_alloc", { initOnAlloc: true }],
    ["with init_on_free", { initOnFree: true }],
  ])("a constructor's work is kept, %s", (_name, options) => {
    const { kernel, peek } = machine({ ...on, ...options });
    const ctor = kernel.registerConstructor((object) =>
      systemOf(kernel).memory.fill(object, 0x7e, size),
    );
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
  ])("bytes that an RCU reader may see survive free and reallocation, %s", (_name, options) => {
    const { kernel, peek } = machine({ ...on, ...options });
    const s = kernel.kmemCacheCreate("typesafe", size, { flags: SLAB_TYPESAFE_BY_RCU });
    const object = kernel.kmemCacheAlloc(s);
    systemOf(kernel).memory.fill(object, GARBAGE, size);
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

describe.each(ALLOCATORS)("$name, memory beyond a cache's size", ({ on }) => {
  // SLAB has caches up to 4 MiB; beyond the largest, kmalloc gives whole pages.
  const sizes = on.allocator === "slub" ? [3 * PAGE_SIZE, 40_000] : [20_000];

  test.each(sizes)("init_on_alloc gives %i zeros, and without it there are none", (size) => {
    for (const initOnAlloc of [false, true]) {
      const { kernel, peek } = machine({ ...on, initOnAlloc });
      const large = kernel.kmalloc(size);
      systemOf(kernel).memory.fill(large, GARBAGE, kernel.ksize(large));
      kernel.kfree(large);
      const again = kernel.kmalloc(size);
      expect(again).toBe(large);
      const content = peek(again, kernel.ksize(again));
      if (initOnAlloc) expect(content).toEqual(zeros(kernel.ksize(again)));
      else expect(content).toContain(GARBAGE);
    }
  });

  test.each(sizes)("init_on_free leaves nothing of %i bytes that came back", (size) => {
    const { kernel, peek } = machine({ ...on, initOnFree: true });
    const large = kernel.kmalloc(size);
    const bytes = kernel.ksize(large);
    systemOf(kernel).memory.fill(large, GARBAGE, bytes);
    kernel.kfree(large);
    expect(peek(large, bytes)).not.toContain(GARBAGE);
  });
});

test("pages that are freed twice are reported, and not wiped a second time", () => {
  const { kernel, peek } = machine({ initOnFree: true });
  const large = kernel.kmalloc(3 * PAGE_SIZE);
  const page = systemOf(kernel).pages.virtToPage(large);
  kernel.kfree(large);
  systemOf(kernel).memory.fill(large, GARBAGE, 16);
  expect(() => systemOf(kernel).pages.freePages(page, 2)).toThrow(/freed but not allocated/);
  expect(peek(large, 16)).toEqual(new Array(16).fill(GARBAGE));
});

test("init_on_free of 6.1's SLAB keeps index arrays out of the objects", () => {
  const placeOf = (initOnFree: boolean): number => {
    const { kernel } = machine({ allocator: "slab", kernel: "6.1", initOnFree });
    const s = kernel.kmemCacheCreate("things", 64);
    return systemOf(kernel).memory.read32(s + KmemCache.flags) & CFLGS_OBJFREELIST_SLAB;
  };
  expect(placeOf(false)).not.toBe(0);
  expect(placeOf(true)).toBe(0);
});
