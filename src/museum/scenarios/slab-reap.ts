import { type SlabScenario, task } from "../../laboratory/scenario.ts";
import { call, type Step } from "../../laboratory/steps.ts";
import { KernelBug } from "../../machine/kernel-bug.ts";

/** Late enough for every CPU's first pass. */
const JIFFIES = 1000;

const tick: Step = call(`tick ${JIFFIES}`, ({ slab, memory }) => {
  if (slab?.reaper.tick(JIFFIES) !== false) return undefined;
  throw new KernelBug(
    "leaked-page",
    `CPU ${memory.smpProcessorId()} should reap now, but nothing is due: its queues are never reclaimed`,
  );
});

export const slabReap: SlabScenario = {
  name: "slab-reap",
  story: "The time has come for both CPUs to reap.",
  machine: { cpus: 2, allocator: "slab" },
  setup: [],
  contexts: [task("A", 0, tick), task("B", 1, tick)],
};
