// SPDX-License-Identifier: GPL-2.0-only
import { on, type SlabScenario, task } from "../../laboratory/scenario.ts";
import { alloc, minFree } from "../../laboratory/steps.ts";
import { bug } from "../exhibit.ts";

/** `cpu`: where the task that may not use the reserves runs. */
function scenario(name: string, cpu: number): SlabScenario {
  return {
    name,
    story: "A task takes an object of the reserves, and one that may have none allocates as well.",
    machine: { cpus: 2 },
    setup: on(0, alloc("a", 4), minFree(65_536)),
    contexts: [
      task("critical", 0, alloc("x", 1, -1, "memalloc")),
      task("ordinary", cpu, alloc("y", 1, -1, "ordinary")),
    ],
  };
}

export const R51 = bug({
  id: "R51",
  title: "mm: slub: optimise the SLUB fast path to avoid pfmemalloc checks",
  commit: "5091b74a95d4",
  year: 2012,
  verification: "V3",
  needs: "S",
  story: [
    "The fast path does not ask whether the cpu slab was made of the reserves; that is on purpose.",
    "A task that may use them leaves such a slab behind, and any task of that CPU gets its objects until the list is empty.",
    "Nothing mends it: those who use up memory are throttled, and tasks of other CPUs are refused.",
  ],
  scenario: scenario("reserves-elsewhere", 1),
  brokenScenario: scenario("reserves-unchecked", 0),
  class: "wrong-slab",
  preemptions: 0,
});
