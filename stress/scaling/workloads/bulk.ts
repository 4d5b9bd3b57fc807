// SPDX-License-Identifier: GPL-2.0-only
/** Bulk calls: so many objects allocated by one call, and freed by another. */
import type { Handle } from "../subject.ts";
import type { PlayerContext, Workload } from "../workload.ts";

/** Brouer's choice: around powers of two and around a slab's 30 objects. */
const COUNTS = [1, 2, 3, 4, 8, 16, 30, 32, 34, 48, 64, 128, 158, 250];

function bulk(count: number): Workload {
  return {
    name: `bulk-${count}`,
    about: `${count} objects by one call, and back by one`,
    origin: "J. D. Brouer's slab_bulk_test01 (2015)",
    module: import.meta.url,
    sizes: "single",
    crossing: false,
    leastCpus: 1,
    sides: 1,
    start<H extends Handle>({ subject, size }: PlayerContext<H>) {
      const objects: H[] = new Array(count);
      return {
        run(operations: number): number {
          const rounds = Math.ceil(operations / count);
          for (let round = 0; round < rounds; round++) {
            subject.allocBulk(size, count, objects);
            subject.freeBulk(count, objects);
          }
          return rounds * count;
        },
        finish() {},
      };
    },
  };
}

export const bulks: readonly Workload[] = COUNTS.map(bulk);
