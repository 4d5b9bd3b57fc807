import { expect, test } from "vitest";
import { SLAB_POISON, SLAB_RED_ZONE } from "../../src/caches/flags.ts";
import { systemOf } from "../../src/kernel/kernel.ts";
import { KmemCache } from "../../src/slub/structs.ts";
import { bench } from "../kunit/bench.ts";
import { expectReported } from "./corruptions.ts";

const SEED = Math.floor(Math.random() * 0x7fffffff);

test(`300 random corruptions (seed ${SEED}) are reported, each as what it is, and repaired`, () =>
  expectReported(300, SEED));

test.each([
  ["4.1", 0],
  ["6.1", 8],
] as const)("the guards of %s are the bytes of poison.h", (version, leftZone) => {
  const { kernel, peek } = bench({ kernel: version });
  const s = kernel.kmemCacheCreate("guarded", 60, { flags: SLAB_RED_ZONE | SLAB_POISON });
  const object = kernel.kmemCacheAlloc(s);
  const bytes = systemOf(kernel).memory.read32(s + KmemCache.size);
  const behind = peek(object + 72, bytes - leftZone - 72);
  const zones = () => [...peek(object - leftZone, leftZone), ...peek(object + 60, 4)];
  expect(zones()).toEqual(Array(leftZone + 4).fill(0xcc));
  kernel.kmemCacheFree(s, object);
  expect(zones()).toEqual(Array(leftZone + 4).fill(0xbb));
  expect(peek(object, 60)).toEqual([...Array(59).fill(0x6b), 0xa5]);
  // Behind the free pointer.
  expect(behind.length).toBeGreaterThan(0);
  expect(behind).toEqual(Array(behind.length).fill(0x5a));
});

test("a byte that debugging does not guard changes without a report", () => {
  const { kernel, poke, validate } = bench();
  const s = kernel.kmemCacheCreate("victims", 64, { flags: SLAB_RED_ZONE });
  const object = kernel.kmemCacheAlloc(s);
  poke(object + 10, 0x12);
  expect(validate(s)).toBe(0);
});
