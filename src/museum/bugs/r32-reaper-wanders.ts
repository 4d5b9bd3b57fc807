// SPDX-License-Identifier: GPL-2.0-only
import { onSlab } from "../../kernel/classes.ts";
import { task } from "../../laboratory/scenario.ts";
import { call, type Step } from "../../laboratory/steps.ts";
import { KernelBug } from "../../machine/kernel-bug.ts";
import { bug } from "../exhibit.ts";

/** Late enough for every CPU's first pass. */
const JIFFIES = 1000;

const tick: Step = call(`tick ${JIFFIES}`, ({ slab, memory }) => {
  if (slab?.reaper.tick(JIFFIES) !== false) return undefined;
  throw new KernelBug(
    "leaked-page",
    `CPU ${memory.smpProcessorId()} should reap now, but nothing is due: its queues are never reclaimed`,
  );
});

export const R32 = bug({
  id: "R32",
  title: "mm, slab: reschedule cache_reap() on the same CPU",
  commit: "a9f2a846f050",
  year: 2018,
  verification: "V1",
  isIdUnconfirmed: true,
  needs: "X",
  story: [
    "The next pass of the reaper was queued without naming a CPU.",
    "The pass runs on another CPU, and the queues of the first one are never reclaimed.",
    "The pass is queued on the CPU that it ran on.",
  ],
  expect: ["leaked-page"],
  change: onSlab((form) => ({
    Reaper: class extends form.Reaper {
      protected override queueAgain(cpu: number, jiffies: number): void {
        if (cpu !== 0) this.stop(cpu);
        super.queueAgain(0, jiffies);
      }
    },
  })),
  scenario: {
    name: "slab-reap",
    story: "The time has come for both CPUs to reap.",
    machine: { cpus: 2, allocator: "slab" },
    setup: [],
    contexts: [task("A", 0, tick), task("B", 1, tick)],
  },
  class: "leaked-page",
  preemptions: 0,
});
