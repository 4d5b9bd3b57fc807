/** Freeing in bulk without naming a cache, as kfree_bulk does, under every option that looks at objects. */
import { describe, expect, test } from "vitest";
import type { BootOptions } from "../../src/kernel/boot-options.ts";
import { boot, MIB, systemOf } from "../../src/kernel/kernel.ts";
import { NUMA_NO_NODE } from "../../src/machine/topology.ts";
import { GFP_KERNEL } from "../../src/pages/gfp.ts";
import { failureOf } from "../check/systems.ts";

const OPTIONS: readonly (readonly [name: string, options: BootOptions])[] = [
  ["SLAB of 4.1", { kernel: "4.1" }],
  ["SLAB of 6.1", { kernel: "6.1" }],
  ["DEBUG_SLAB", { kernel: "6.1", config: ["DEBUG_SLAB"] }],
  ["init_on_free", { kernel: "6.1", initOnFree: true }],
];

describe.each(OPTIONS)("%s", (_name, options) => {
  const kernel = boot({ cpus: 1, memory: 16 * MIB, allocator: "slab", ...options });
  const largest = 1 << systemOf(kernel).allocator.kmallocShiftHigh;

  /** kmalloc of 4.1 has a cache for every size: what is larger is NULL, which is nothing to free. */
  test("objects of several caches and whole pages all go back", () => {
    const sizes = [8, 100, largest + 1, 100, 2 * largest, 0];
    const settled = (): number => {
      for (const s of systemOf(kernel).common.caches()) kernel.kmemCacheShrink(s);
      systemOf(kernel).pages.drainAllPages();
      return systemOf(kernel).pages.freePagesTotal();
    };
    const before = kernel.run(settled);
    kernel.run(() => {
      const objects = sizes.map((size) => kernel.kmalloc(size));
      kernel.kmemCacheFreeBulk(0, objects.length, objects);
    });
    expect(kernel.run(settled)).toBe(before);
  });

  test("a bulk free refuses a non-object before it frees the others", () => {
    kernel.run(() => {
      const first = kernel.kmalloc(100);
      const page = systemOf(kernel).pages.allocPages(GFP_KERNEL, 0, NUMA_NO_NODE);
      const free = () =>
        kernel.kmemCacheFreeBulk(0, 2, [first, systemOf(kernel).pages.pageAddress(page)]);
      expect(failureOf(free)).toBe("bad-access");
      expect(systemOf(kernel).memory.irqsDisabled()).toBe(false);
      kernel.kfree(first);
      expect(kernel.kmalloc(100)).toBe(first);
      kernel.kfree(first);
      systemOf(kernel).pages.freePages(page, 0);
    });
  });
});
