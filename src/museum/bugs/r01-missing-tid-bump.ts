// SPDX-License-Identifier: GPL-2.0-only
import { onSlub } from "../../kernel/classes.ts";
import { on, task } from "../../laboratory/scenario.ts";
import { alloc, free } from "../../laboratory/steps.ts";
import { seedEra } from "../../slub/cpu-slab/era-seed.ts";
import { bug } from "../exhibit.ts";

/** The state of Linux 2.6.39 to 5.18 (CVE-2022-49700). */
export const R01 = bug({
  id: "R01",
  title: "mm/slub: add missing TID updates on slab deactivation",
  commit: "eeaa345e1285",
  year: 2022,
  verification: "V3",
  needs: "S",
  story: [
    "From 2.6.39 until 2022 the slow path dropped a used-up cpu slab without a new tid.",
    "A free that was preempted after it compared the slab still finds its tid and pushes its object on the list of a CPU that has no slab; the next slab overwrites that list.",
    "Every drop of the cpu slab now moves tid, so that the swap fails.",
  ],
  expect: ["lost-object", "wrong-slab", "counter-drift", "use-after-free"],
  change: onSlub(seedEra),
  retypes: { "CpuSlab.drop": "258ba138" },
  scenario: {
    name: "two-tasks-drop",
    story: "A free is preempted by an allocation that finds the cpu slab used up and drops it.",
    machine: {},
    setup: on(0, alloc("a", 4)),
    contexts: [task("A", 0, free("a.0")), task("B", 0, alloc("x"))],
  },
  class: "lost-object",
  preemptions: 2,
});
