/**
 * SLAB's behaviour against recorded runs of Linux 4.1.52 (with and without DEBUG_SLAB) and 6.1.192:
 * after each step of each script, every object's slab and place in it, every queue, every list.
 */

import { describe, expect, test } from "vitest";
import { type Change, onSlab } from "../../src/kernel/classes.ts";
import { listAdd } from "../../src/machine/list.ts";
import { Page } from "../../src/pages/page.ts";
import { oldestObjects } from "../../src/slab/array-cache.ts";
import { ArrayCache, entryAt, KmemCacheNode } from "../../src/slab/structs.ts";
import { collection } from "../oracle/files.ts";
import { differences, readTraces, rerun, traceRuns } from "../oracle/traces.ts";

const runs = traceRuns("slab").map(([folder, run]) => ({ folder, run }));

describe(`behaviour of SLAB (${collection} collection)`, () => {
  test("there are runs of both kernels, on one CPU, several, and two nodes, and with DEBUG_SLAB", () => {
    const names = runs.map(({ run }) => run);
    for (const kernel of ["k41", "k61"]) {
      for (const machine of ["smp1", "smp2", "smp4", "numa"]) {
        expect(names).toContain(`${kernel}slab-${machine}`);
      }
    }
    expect(names.join(" ")).toContain("k41slabdbg");
  });

  test.each(runs)("$folder/$run: every step of every script is equal", ({ folder, run }) => {
    const record = readTraces(folder, run);
    expect(record.traces.length).toBeGreaterThan(0);
    for (const recorded of record.traces) {
      const found = differences(rerun(run, record, recorded), recorded);
      expect(found, `${recorded.script}: ${found.length} steps differ`).toEqual([]);
    }
  });
});

/** What each change of one line of the allocator must make visible. */
const BROKEN: Record<string, Change> = {
  "a slab with free objects goes to the list's head instead of its tail": onSlab((classes) => ({
    NodeLists: class extends classes.NodeLists {
      override addPartialTail(n: number, page: number): void {
        listAdd(this.memory, page + Page.lru, n + KmemCacheNode.slabsPartial);
      }
    },
  })),
  "an array that is cold is filled by a whole batch": onSlab((classes) => ({
    Refill: class extends classes.Refill {
      protected override batchOf(ac: number): number {
        return this.memory.read32(ac + ArrayCache.batchcount);
      }
    },
  })),
  "the newest batch is flushed instead of the oldest": onSlab((classes) => ({
    Flush: class extends classes.Flush {
      override flush(s: number, ac: number): void {
        const { memory } = this;
        const entries = oldestObjects(memory, ac, memory.read32(ac + ArrayCache.avail));
        for (const [i, object] of entries.reverse().entries()) {
          memory.write32(entryAt(ac, i), object);
        }
        super.flush(s, ac);
      }
    },
  })),
};

describe("the comparison sees that", () => {
  test.each(Object.entries(BROKEN))("%s", (_what, change) => {
    const [folder, run] = ["trace-random1", "k61slab-smp1"];
    const record = readTraces(folder, run);
    const found = record.traces.flatMap((recorded) =>
      differences(rerun(run, record, recorded, change), recorded),
    );
    expect(found).not.toEqual([]);
  });
});
