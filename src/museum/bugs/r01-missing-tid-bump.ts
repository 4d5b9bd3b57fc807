/**
 * Where the slow path drops the cpu slab, tid stays as it was. A free that was interrupted after it
 * compared the slab then pushes on a list that is nobody's, and the object is overwritten and lost.
 * The seed's own state, for eleven years (CVE-2022-49700).
 */
import { onSlub } from "../../kernel/classes.ts";
import { on, task } from "../../laboratory/scenario.ts";
import { alloc, free } from "../../laboratory/steps.ts";
import { seedEra } from "../../slub/cpu-slab/era-seed.ts";
import { bug } from "../exhibit.ts";

export const R01 = bug({
  id: "R01",
  title: "mm/slub: add missing TID updates on slab deactivation",
  commit: "eeaa345e1285",
  year: 2022,
  verification: "V3",
  needs: "S",
  story: [
    "Where the slow path drops a used-up cpu slab it left tid as it was, from 2.6.39 until 2022.",
    "A free that was preempted after comparing the slab still finds its tid, and pushes its object on the list of a CPU that has no slab; the next slab overwrites it.",
    "Bumping tid wherever the cpu slab is dropped makes that swap fail.",
  ],
  expect: ["lost-object", "wrong-slab", "counter-drift", "use-after-free"],
  change: onSlub(seedEra),
  retypes: { "Deactivation.dropCpuSlab": "3bbf9d73" },
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
