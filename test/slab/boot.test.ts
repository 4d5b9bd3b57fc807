/** The caches that SLAB boots with, against a whole system's /proc/slabinfo. */
import { expect, test } from "vitest";
import { boot, MIB, systemOf } from "../../src/kernel/kernel.ts";
import { slabinfoRows } from "../../src/sysfs/slabinfo.ts";
import { collection, readOracle } from "../oracle/files.ts";

/** name, active_objs, num_objs, then what depends on the cache's shape alone. */
type Row = [string, number, number, ...number[]];

test.each([
  ["4.1", "k41slab-default"],
  ["6.1", "k61slab-default"],
] as const)(
  `SLAB of %s: every cache of the boot has the shape and the queues of %s (${collection} collection)`,
  (version, run) => {
    const kernel = boot({ cpus: 1, memory: 64 * MIB, allocator: "slab", kernel: version });
    const recorded = new Map(
      readOracle<{ slabinfo: Row[] }>("dump", run).slabinfo.map(([name, , , ...shape]) => [
        name,
        shape.slice(0, 6),
      ]),
    );
    const rows = kernel
      .run(() => slabinfoRows(systemOf(kernel)))
      .filter(({ name }) => recorded.has(name));
    expect(rows.map(({ name }) => name)).toContain("kmem_cache");
    expect(rows.length).toBeGreaterThan(10);
    for (const row of rows) {
      const { name, size, objectsPerSlab, cacheOrder, limit, batchcount, shared } = row;
      const ours = [size, objectsPerSlab, 1 << cacheOrder, limit, batchcount, shared];
      expect(ours, name).toEqual(recorded.get(name));
    }
  },
);
