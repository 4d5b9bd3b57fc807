/** SLAB_FREELIST_RANDOM: the order in which a slab's objects go out. */
import { expect, test } from "vitest";
import type { BootOptions } from "../../src/kernel/boot-options.ts";
import { boot, systemOf } from "../../src/kernel/kernel.ts";

/** Where the first objects of a cache lie in their slabs, in the order in which they go out. */
function places(options: BootOptions): number[] {
  const kernel = boot({ cpus: 1, ...options });
  const { pages } = systemOf(kernel);
  const s = kernel.kmemCacheCreate("shuffled", 200);
  return Array.from({ length: 20 }, () => {
    const object = kernel.kmemCacheAlloc(s);
    return object - pages.pageAddress(pages.virtToHeadPage(object));
  });
}

/** How many objects lie right behind the one that went out before them. */
function neighbours(at: readonly number[]): number {
  const sorted = at.toSorted((a, b) => a - b);
  const slot = Math.min(
    ...sorted
      .slice(1)
      .map((place, i) => place - (sorted[i] ?? 0))
      .filter(Boolean),
  );
  return at.filter((place, i) => place - (at[i - 1] ?? 0) === slot).length;
}

test.each([
  ["slub", "4.1"],
  ["slub", "7.1"],
  ["slab", "6.1"],
] as const)(
  "with random freelists %s of %s hands a slab's objects out in an order that the seed decides",
  (allocator, kernel) => {
    const shuffled = (seed: number) => places({ allocator, kernel, seed, randomized: true });
    expect(shuffled(1)).not.toEqual(places({ allocator, kernel, seed: 1 }));
    expect(neighbours(shuffled(1))).toBeLessThan(6);
    expect(shuffled(1)).toEqual(shuffled(1));
    expect(shuffled(1)).not.toEqual(shuffled(2));
  },
);
