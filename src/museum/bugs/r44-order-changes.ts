// SPDX-License-Identifier: GPL-2.0-only
import type { KernelVersion } from "../../caches/kernel-version.ts";
import { type SlabScenario, task } from "../../laboratory/scenario.ts";
import { alloc, free, read, type Step, write } from "../../laboratory/steps.ts";
import { bug } from "../exhibit.ts";

/** On two kernels: in 4.1 the order of a cache can be written, in 6.1 only read. */
function scenario(name: string, kernel: KernelVersion, access: Step): SlabScenario {
  return {
    name,
    story: "The order of a cache's slabs is written, or read, while another CPU makes a slab.",
    machine: { cpus: 2, maxOrder: 1, kernel },
    setup: [],
    contexts: [task("A", 0, access), task("B", 1, alloc("y", 5), free("y"))],
  };
}

export const R44 = bug({
  id: "R44",
  title: "mm, slub: remove runtime allocation order changes",
  commit: "32a6f409b693",
  year: 2020,
  verification: "V2",
  needs: "X",
  story: [
    "Writing the order of a cache changes its flags for pages and its layout one after the other.",
    "An allocation that comes between asks for two pages without __GFP_COMP, so the second one has no head and its objects cannot be freed.",
    "The order can no longer be written.",
  ],
  scenario: scenario("order-changes", "6.1", read("order")),
  brokenScenario: scenario("order-changes-unchecked", "4.1", write("order", "0")),
  class: "bad-access",
  preemptions: 1,
});
