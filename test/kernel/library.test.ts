import { expect, test } from "vitest";
import {
  attach,
  boot,
  GFP_KERNEL,
  KernelBug,
  MIB,
  SLAB_HWCACHE_ALIGN,
  ZERO_SIZE_PTR,
} from "../../src/kernel/index.ts";
import { systemOf } from "../../src/kernel/kernel.ts";

test("views show an object's bytes, words and floating-point numbers", () => {
  const kernel = boot({ cpus: 1, memory: 16 * MIB });
  const object = kernel.kzalloc(100);
  kernel.view32(object)[1] = 0x01020304;
  expect([...kernel.view8(object).subarray(4, 8)]).toEqual([4, 3, 2, 1]);
  kernel.viewFloat64(object)[2] = 1.5;
  expect(kernel.viewFloat64(object)[2]).toBe(1.5);
  expect(kernel.view8(object)).toHaveLength(kernel.ksize(object));
  expect(kernel.view8(object, 100)).toHaveLength(100);
  kernel.kfree(object);
});

test("a constructor registered on each thread prepares every new object", () => {
  const kernel = boot({ cpus: 2, memory: 16 * MIB });
  const ctor = kernel.registerConstructor((object) =>
    systemOf(kernel).memory.write32(object, 4711),
  );
  const other = attach(kernel.shared);
  expect(other.registerConstructor((object) => systemOf(other).memory.write32(object, 4711))).toBe(
    ctor,
  );
  const cache = kernel.kmemCacheCreate("constructed", 32, { ctor, flags: SLAB_HWCACHE_ALIGN });
  const object = other.kmemCacheAlloc(cache);
  expect(kernel.view32(object)[0]).toBe(4711);
  kernel.kmemCacheFree(cache, object);
});

test("krealloc keeps what was there, and kfree takes anything kmalloc gave", () => {
  const kernel = boot({ cpus: 1, memory: 16 * MIB });
  const small = kernel.kmalloc(20);
  kernel.view8(small, 20).fill(7);
  const large = kernel.krealloc(small, 50_000);
  expect([...kernel.view8(large, 20)]).toEqual(new Array(20).fill(7));
  expect(kernel.krealloc(large, 0)).toBe(ZERO_SIZE_PTR);
  kernel.kfree(ZERO_SIZE_PTR);
  kernel.kfree(0);
});

test("an allocation that cannot be met is 0, and an object freed to the wrong cache is a bug with its name", () => {
  const kernel = boot({ cpus: 1, memory: 4 * MIB });
  expect(kernel.kmalloc(16 * MIB)).toBe(0);
  const cups = kernel.kmemCacheCreate("cups", 400);
  const plates = kernel.kmemCacheCreate("plates", 3000);
  const cup = kernel.kmemCacheAlloc(cups, GFP_KERNEL);
  expect(() => kernel.kmemCacheFree(plates, cup)).toThrow(KernelBug);
  expect(() => kernel.kmemCacheFree(plates, cup)).toThrow(/Wrong slab cache\. plates/);
  kernel.kmemCacheFree(cups, cup);
});

test("a task number is free again after detach", () => {
  const kernel = boot({ cpus: 1, memory: 16 * MIB, tasks: 2 });
  const other = attach(kernel.shared);
  expect(() => attach(kernel.shared)).toThrow(/all 2 tasks/);
  expect(() => other.run(() => other.detach())).toThrow(KernelBug);
  other.detach();
  expect(attach(kernel.shared).kmalloc(8)).not.toBe(0);
});

test.each([2, -2, 99, 0.5, Number.NaN])("a machine of two CPUs has no CPU %d", (cpu) => {
  const kernel = boot({ cpus: 2, memory: 16 * MIB });
  expect(() => kernel.run(() => undefined, cpu, 0)).toThrow(RangeError);
  kernel.run(() => {
    expect(() => kernel.run(() => undefined, cpu)).toThrow(RangeError);
  });
});

test.each([
  [{ cpus: 0 }, /cpus must be a whole number from 1 to 64/],
  [{ cpus: 65 }, /cpus must be a whole number from 1 to 64/],
  [{ cpus: 2, nodes: 3 }, /nodes must be a whole number/],
  [{ memory: 100_000 }, /memory must be a whole number/],
  [{ memory: 4096 * MIB }, /memory must be a whole number/],
  [{ checker: -5 }, /checker must be a whole number/],
  [{ allocator: "slob" as "slub" }, /allocator must be one of slub, slab, not "slob"/],
  [{ kernel: "2.6" as "4.1" }, /kernel must be one of/],
  [{ swap: "foo" as "wasm" }, /swap must be one of/],
  [{ era: "lost" as "seed" }, /era must be one of/],
  [{ absentNodes: [7] }, /there is no node 7/],
  [{ nodes: 2, absentNodes: [0, 1] }, /one node's memory must be there/],
])("options that cannot be met are refused with the reason: %o", (options, reason) => {
  expect(() => boot(options)).toThrow(RangeError);
  expect(() => boot(options)).toThrow(reason);
});

test.each([
  { allocator: "slub", kernel: "4.1" },
  { allocator: "slab", kernel: "4.1" },
  { allocator: "slab", kernel: "6.1" },
] as const)(
  "an allocation from a cache that could not be made is refused, and the CPU goes on: %o",
  (form) => {
    const kernel = boot({ cpus: 2, nodes: 2, memory: 16 * MIB, ...form });
    const none = kernel.kmemCacheCreate("", 64);
    expect(none).toBe(0);
    const p: number[] = [];
    kernel.run(() => {
      for (const allocate of [
        () => kernel.kmemCacheAlloc(none),
        () => kernel.kmemCacheAllocNode(none, GFP_KERNEL, 1),
        () => kernel.kmemCacheAllocBulk(none, 4, p),
      ]) {
        expect(allocate).toThrow(/the cache is NULL/);
        expect(systemOf(kernel).memory.irqsDisabled()).toBe(false);
      }
    });
    expect(p).toEqual([]);
    expect(kernel.kmalloc(64)).not.toBe(0);
  },
);
