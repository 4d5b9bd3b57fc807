// SPDX-License-Identifier: GPL-2.0-only
import { on, type SlabScenario, task } from "../../laboratory/scenario.ts";
import { alloc, minFree } from "../../laboratory/steps.ts";
import { bug } from "../exhibit.ts";

/** `cpu`: where the task that may not use the reserves runs. */
function scenario(name: string, cpu: number): SlabScenario {
  return {
    name,
    story: "A task has a slab made of the reserves, and one that may use none allocates as well.",
    machine: { allocator: "slab", cpus: 2, kernel: "6.1" },
    setup: on(0, minFree(65_536)),
    contexts: [
      task("critical", 0, alloc("x", 1, -1, "memalloc")),
      task("ordinary", cpu, alloc("y", 1, -1, "ordinary")),
    ],
  };
}

export const R62 = bug({
  id: "R62",
  title: "mm/slab: refill cpu cache through a new slab without holding a node lock",
  commit: "213b46958c65",
  year: 2016,
  verification: "V3",
  needs: "S",
  story: [
    "The objects of a new slab go to the array of the CPU that had it made, and nobody asks whether the slab was made of the reserves.",
    "A task that may use them takes one, and any task of that CPU gets the others.",
    "Nothing mends it; until Linux 4.6 a new slab came to its list first, from where only such tasks took one object at a time.",
  ],
  scenario: scenario("slab-reserves-elsewhere", 1),
  brokenScenario: scenario("slab-reserves-unchecked", 0),
  class: "wrong-slab",
  preemptions: 0,
});
