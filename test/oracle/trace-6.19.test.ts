/**
 * SLUB of 6.19, cpu slabs with sheaves for caches that ask for them, against recorded runs of Linux
 * 6.19.0: after each step of each script, every object's slab and place in it, every sheaf and list,
 * every counter.
 */
import { describe, expect, test } from "vitest";
import { type Change, onSheafParts, onSlub } from "../../src/kernel/classes.ts";
import { withLostLocals } from "../../src/slub/sheaves/lost-locals.ts";
import { ALLOC_REFILL } from "../../src/slub/statistics.ts";
import { KmemCacheCpu } from "../../src/slub/structs.ts";
import { collection } from "./files.ts";
import { differences, readTraces, rerun, traceRuns } from "./traces.ts";

const runs = traceRuns("slub", "k619").map(([folder, run]) => ({ folder, run }));

describe(`behaviour of 6.19 (${collection} collection)`, () => {
  test("there are plain and debugging runs, with sheaves and without, on one CPU and several", () => {
    const names = runs.map(({ run }) => run).join(" ");
    for (const kind of ["smp1", "smp1-sheaf32", "smp1-FZPU", "smp2", "smp4", "numa-sheaf32"]) {
      expect(names).toContain(`k619slub-${kind}`);
    }
  });

  test.each(runs)("$folder/$run: every step of every script is equal", ({ folder, run }) => {
    const record = readTraces(folder, run);
    expect(record.traces.length).toBeGreaterThan(0);
    for (const recorded of record.traces) {
      // Also in what the kernel does wrong.
      const found = differences(
        rerun(run, record, recorded, onSheafParts(withLostLocals)),
        recorded,
      );
      expect(found, `${recorded.script}: ${found.length} steps differ`).toEqual([]);
    }
  });
});

const COUNT_REFILLS = KmemCacheCpu.stat + (ALLOC_REFILL << 2);

/** What each change of one line of the allocator must make visible. */
const BROKEN: Record<string, [run: string, change: Change]> = {
  "an empty main sheaf that becomes the spare, as in 7.1": [
    "k619slub-numa-sheaf32",
    onSheafParts((classes) => ({
      MainSheaf: class extends classes.MainSheaf {
        protected override keepEmpty(pcs: number, main: number, barn: number): void {
          if (this.lock.spare(pcs) === 0) this.lock.setSpare(pcs, main);
          else super.keepEmpty(pcs, main, barn);
        }
      },
    })),
  ],
  "a slab of the cpu partial list that is counted as refilled": [
    "k619slub-numa",
    onSlub((classes) => ({
      CpuSlab: class extends classes.CpuSlab {
        override popPartial(c: number): number {
          const page = super.popPartial(c);
          if (page !== 0) this.memory.add(c + COUNT_REFILLS, 1);
          return page;
        }
      },
    })),
  ],
};

describe("the comparison sees", () => {
  test.each(Object.entries(BROKEN))("%s", (_what, [run, change]) => {
    const record = readTraces("trace-multi", run);
    const isSeen = record.traces.some(
      (recorded) => differences(rerun(run, record, recorded, change), recorded).length > 0,
    );
    expect(isSeen).toBe(true);
  });
});
