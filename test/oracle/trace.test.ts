/**
 * SLUB's behaviour against recorded runs of Linux 4.1.52 and 6.1.192: after each step of each script,
 * every object's slab and place in it, every list, every counter.
 */

import { describe, expect, test } from "vitest";
import { onSlub, type SystemClasses } from "../../src/kernel/classes.ts";
import { ADD_TO_HEAD } from "../../src/slub/node-partial.ts";
import { CPU_PARTIAL_DRAIN } from "../../src/slub/statistics.ts";
import { collection } from "./files.ts";
import { differences, readTraces, rerun, traceRuns } from "./traces.ts";

const runs = [...traceRuns("slub", "k41"), ...traceRuns("slub", "k61")].map(([folder, run]) => ({
  folder,
  run,
}));

describe(`behaviour of SLUB (${collection} collection)`, () => {
  test.each(["k41slub", "k61slub"])(
    "%s has plain and debugging runs, on one CPU, several, and two nodes",
    (kernel) => {
      const names = runs.map(({ run }) => run).join(" ");
      for (const kind of ["smp1", "smp1-FZPU", "smp2", "smp4", "numa", "numa-FZPU"]) {
        expect(names).toContain(`${kernel}-${kind}`);
      }
    },
  );

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
const BROKEN: Record<string, (classes: SystemClasses) => SystemClasses> = {
  "partial slabs go to the list's head instead of its tail": onSlub((classes) => ({
    NodePartial: class extends classes.NodePartial {
      override add(n: number, page: number): void {
        super.add(n, page, ADD_TO_HEAD);
      }
    },
  })),
  "a drained cpu partial list is not counted": onSlub((classes) => ({
    CpuPartial: class extends classes.CpuPartial {
      protected override drain(s: number): void {
        super.drain(s);
        this.context.stat(s, CPU_PARTIAL_DRAIN, -1);
      }
    },
  })),
  "a slab that others freed into goes back to the list's head": onSlub((classes) => ({
    Deactivation: class extends classes.Deactivation {
      protected override unfreeze(s: number, page: number, last: number): void {
        super.unfreeze(s, page, last, ADD_TO_HEAD);
      }
    },
  })),
};

describe("the comparison sees that", () => {
  test.each(Object.entries(BROKEN))("%s", (_what, change) => {
    // Its scripts, of the excerpt too, drain cpu partial lists.
    const [folder, run] = ["trace-randomN", "k41slub-smp4"];
    const record = readTraces(folder, run);
    const isSeen = record.traces.some(
      (recorded) => differences(rerun(run, record, recorded, change), recorded).length > 0,
    );
    expect(isSeen).toBe(true);
  });
});
