import { expect, test } from "vitest";
import { SLAB_RED_ZONE } from "../../src/caches/flags.ts";
import { bench } from "../kunit/bench.ts";
import { expectReported } from "./corruptions.ts";

const SEED = Math.floor(Math.random() * 0x7fffffff);

test(`300 random corruptions (seed ${SEED}) are reported, each as what it is, and repaired`, () =>
  expectReported(300, SEED));

test("a byte that debugging does not guard changes without a report", () => {
  const { kernel, poke, validate } = bench();
  const s = kernel.kmemCacheCreate("victims", 64, { flags: SLAB_RED_ZONE });
  const object = kernel.kmemCacheAlloc(s);
  poke(object + 10, 0x12);
  expect(validate(s)).toBe(0);
});
