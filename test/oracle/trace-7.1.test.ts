/**
 * The behaviour of SLUB with sheaves against recorded runs of Linux 7.1.5: after each step of each
 * script, every object's slab and place in it, every sheaf and list, every counter.
 */
import { describe, expect, test } from "vitest";
import { type Change, onSheafParts, onSheaves } from "../../src/kernel/classes.ts";
import type { SlubGeometry } from "../../src/slub/geometry.ts";
import { withLostLocals } from "../../src/slub/sheaves/lost-locals.ts";
import { KmemCache } from "../../src/slub/structs.ts";
import { collection } from "./files.ts";
import { differences, readTraces, rerun, traceRuns } from "./traces.ts";

const runs = traceRuns("slub", "k71").map(([folder, run]) => ({ folder, run }));

describe(`behaviour of sheaves (${collection} collection)`, () => {
  test("there are plain and debugging runs, on one CPU, several, and two nodes", () => {
    const names = runs.map(({ run }) => run).join(" ");
    for (const kind of ["smp1", "smp1-FZPU", "smp2", "smp4", "numa", "numa-FZPU", "trace-max0"]) {
      expect(names).toContain(`k71slub-${kind}`);
    }
  });

  test.each(runs)("$folder/$run: every step of every script is equal", ({ folder, run }) => {
    const record = readTraces(folder, run);
    expect(record.traces.length).toBeGreaterThan(0);
    for (const recorded of record.traces) {
      // Also in what the kernel does wrong.
      const ours = rerun(run, record, recorded, onSheafParts(withLostLocals));
      const found = differences(ours, recorded);
      expect(found, `${recorded.script}: ${found.length} steps differ`).toEqual([]);
    }
  });
});

/** What each change of one line of the allocator must make visible. */
const BROKEN: Record<string, Change> = {
  "a sheaf of two objects more": onSheaves((classes) => ({
    CacheLifetime: class extends classes.CacheLifetime {
      protected override setGeometry(s: number, geometry: SlubGeometry): void {
        super.setGeometry(s, geometry);
        const capacity = this.memory.read32(s + KmemCache.sheafCapacity);
        if (capacity > 0) this.memory.write32(s + KmemCache.sheafCapacity, capacity + 2);
      }
    },
  })),
  "isolated slabs in the list's order": onSheaves((classes) => ({
    Refill: class extends classes.Refill {
      protected override isolate(...asked: [number, number, number, boolean]): number[] {
        return super.isolate(...asked).reverse();
      }
    },
  })),
  "full sheaves that go to another barn": onSheaves((classes) => ({
    Barns: class extends classes.Barns {
      override here(s: number): number {
        return this.of(s, 0);
      }
    },
  })),
};

describe("the comparison sees", () => {
  test.each(Object.entries(BROKEN))("%s", (_what, change) => {
    const [folder, run] = ["trace-randomN", "k71slub-numa"];
    const record = readTraces(folder, run);
    const isSeen = record.traces.some(
      (recorded) => differences(rerun(run, record, recorded, change), recorded).length > 0,
    );
    expect(isSeen).toBe(true);
  });
});
