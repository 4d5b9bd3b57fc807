/** kmem_cache_alloc_bulk and kmem_cache_free_bulk of SLUB, where the world moves under them. */

import { expect, test } from "vitest";
import { onCommon, onSlub } from "../../src/kernel/classes.ts";
import { systemOf } from "../../src/kernel/kernel.ts";
import type { Slub } from "../../src/slub/cpu-slab/slub.ts";
import { SlabSysfs } from "../../src/sysfs/sysfs.ts";
import { cacheOfFour, OBJECTS, take, watched } from "../check/systems.ts";
import { bench } from "../kunit/bench.ts";

test("a bulk allocation that fails on another CPU than it began on leaves the first one alone", () => {
  let dry = false;
  const system = watched(
    {},
    onCommon((classes) => ({
      Pages: class extends classes.Pages {
        override allocPages(gfp: number, order: number, node: number): number {
          if (!dry) return super.allocPages(gfp, order, node);
          system.memory.migrate(1);
          return 0;
        }
      },
    })),
  );
  const { kernel } = system;
  const s = cacheOfFour(system);
  const held = take(system, s, OBJECTS);
  dry = true;
  // The memory refuses a write into the area of a CPU that the writer does not hold.
  kernel.run(() => {
    expect(kernel.kmemCacheAllocBulk(s, 2, [])).toBe(0);
    expect(system.memory.migrate(0)).toBe(true);
  }, 0);
  dry = false;
  kernel.run(() => {
    for (const object of held) kernel.kmemCacheFree(s, object);
  }, 1);
  expect(system.findings()).toEqual([]);
});

test("objects of several caches and whole pages go back in one call", () => {
  const { kernel } = bench();
  const before = systemOf(kernel).pages.freePagesTotal();
  const p = [0, 16, kernel.kmalloc(10), kernel.kmalloc(20_000), kernel.kmalloc(1000)];
  kernel.kmemCacheFreeBulk(0, p.length, [...p]);
  for (const s of systemOf(kernel).common.caches()) kernel.kmemCacheShrink(s);
  expect(systemOf(kernel).pages.freePagesTotal()).toBeGreaterThanOrEqual(before);
  const large = kernel.kmalloc(20_000);
  expect(() => kernel.kmemCacheFreeBulk(0, 1, [large + 4096])).toThrow(/is no object/);
  kernel.kfree(large);
  expect(() => kernel.kmemCacheFreeBulk(0, 1, [large])).toThrow(/is no object/);
});

test("a chain that was made before checks were switched on is freed object by object", () => {
  const system = watched(
    {},
    onSlub((classes) => ({
      Allocator: class extends classes.Allocator {
        override slabFreeChain(...chain: Parameters<Slub["slabFreeChain"]>): void {
          if (chain[4] > 1)
            new SlabSysfs(systemOf(system.kernel)).write("four", "sanity_checks", "1");
          super.slabFreeChain(...chain);
        }
      },
    })),
  );
  const { kernel } = system;
  const s = cacheOfFour(system);
  const objects = take(system, s, OBJECTS);
  kernel.run(() => kernel.kmemCacheFreeBulk(s, OBJECTS, objects), 1);
  expect(system.findings()).toEqual([]);
  expect(kernel.kmemCacheDestroy(s)).toBe(0);
});
