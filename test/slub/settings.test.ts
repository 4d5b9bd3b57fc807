/** Limits of a cache are written through sysfs while others allocate from it. */
import { expect, test } from "vitest";
import { explore } from "../../src/explore/explore.ts";
import type { Laboratory } from "../../src/laboratory/laboratory.ts";
import { on, type SlabScenario, scenarioOf, task } from "../../src/laboratory/scenario.ts";
import { alloc, free, shrink, write } from "../../src/laboratory/steps.ts";
import { KernelBug } from "../../src/machine/kernel-bug.ts";
import { KmemCache, KmemCacheCpu } from "../../src/slub/structs.ts";

const noCpuPartialLists: SlabScenario = {
  name: "no-cpu-partial-lists",
  story: "A cache is to keep no cpu partial lists while a CPU takes slabs from the node.",
  machine: { cpus: 2 },
  setup: on(0, alloc("a", 16), free("a.0"), free("a.4"), free("a.8"), shrink()),
  contexts: [task("A", 0, write("cpu_partial", "0")), task("B", 1, alloc("x"))],
};

function refuseCpuPartialLists({ memory, s }: Laboratory): void {
  for (let cpu = 0; cpu < memory.cpus; cpu++) {
    const c = memory.perCpuPtr(memory.peek(s + KmemCache.cpuSlab), cpu);
    if (memory.peek(c + KmemCacheCpu.partial) === 0) continue;
    throw new KernelBug("leaked-page", `CPU ${cpu} keeps slabs in spite of the setting`);
  }
}

test("a cache keeps no cpu partial list as soon as 0 is written, whoever takes slabs meanwhile", () => {
  const scenario = scenarioOf(noCpuPartialLists);
  const { failure, complete } = explore({
    ...scenario,
    check: {
      ...scenario.check,
      atEnd: (lab, setup, schedule) => {
        scenario.check?.atEnd?.(lab, setup, schedule);
        refuseCpuPartialLists(lab);
      },
    },
    search: { strategy: "bound", preemptions: 1, seconds: 60 },
  });
  expect(failure?.message).toBeUndefined();
  expect(complete?.preemptions).toBe(1);
});
