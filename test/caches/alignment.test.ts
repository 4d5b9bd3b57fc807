import fc from "fast-check";
import { expect, test } from "vitest";
import { alignUp, calculateAlignment, fls, getOrder, ilog2 } from "../../src/caches/alignment.ts";
import { SLAB_HWCACHE_ALIGN } from "../../src/caches/flags.ts";

test("a cache line is halved while the object fits twice", () => {
  const sizes = [1, 8, 10, 17, 33, 64, 65, 1000];
  expect(sizes.map((size) => calculateAlignment(SLAB_HWCACHE_ALIGN, 0, size))).toEqual([
    8, 8, 16, 32, 64, 64, 64, 64,
  ]);
});

test("an alignment is never below a word, never below what was asked", () => {
  expect([0, 1, 4, 8, 16, 8192].map((align) => calculateAlignment(0, align, 100))).toEqual([
    8, 8, 8, 8, 16, 8192,
  ]);
  expect(calculateAlignment(SLAB_HWCACHE_ALIGN, 128, 10)).toBe(128);
});

test("aligning an alignment again changes nothing", () => {
  const flags = fc.constantFrom(0, SLAB_HWCACHE_ALIGN);
  fc.assert(
    fc.property(flags, fc.nat(1 << 20), fc.integer({ min: 1, max: 1 << 22 }), (f, align, size) => {
      const once = calculateAlignment(f, align, size);
      expect(calculateAlignment(f, once, size)).toBe(once);
    }),
  );
});

test("aligning up never goes down, by a power of two it ends on a multiple", () => {
  fc.assert(
    fc.property(fc.nat(1 << 23), fc.nat(20), (value, shift) => {
      const aligned = alignUp(value, 1 << shift);
      expect(aligned).toBeGreaterThanOrEqual(value);
      expect(aligned % (1 << shift)).toBe(0);
      expect(aligned - value).toBeLessThan(1 << shift);
    }),
  );
});

test("fls, ilog2 and getOrder are the kernel's", () => {
  expect([0, 1, 2, 3, 4, 255, 256].map(fls)).toEqual([0, 1, 2, 2, 3, 8, 9]);
  expect([1, 2, 3, 4, 255, 256].map(ilog2)).toEqual([0, 1, 1, 2, 7, 8]);
  expect([1, 4096, 4097, 8192, 8193, 1 << 22].map(getOrder)).toEqual([0, 0, 1, 1, 2, 10]);
});
