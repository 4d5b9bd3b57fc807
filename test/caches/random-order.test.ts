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

/** How often an object goes out right after its neighbour. */
function neighbours(at: readonly number[]): number {
  const distances = at.slice(1).map((place, i) => Math.abs(place - (at[i] ?? 0)));
  const slot = Math.min(...distances);
  return distances.filter((distance) => distance === slot).length;
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
