// SPDX-License-Identifier: GPL-2.0-only
import { migratableTask, on } from "../../laboratory/scenario.ts";
import { alloc, free } from "../../laboratory/steps.ts";
import { bug } from "../exhibit.ts";
import { FREE_PATH, withFreePath } from "../free-path.ts";

export const R06b = bug({
  id: "R06b",
  alias: "S04",
  title: "tid is not read again after the area's address (R06b)",
  commit: "9aabf810a67c",
  year: 2014,
  verification: "V2",
  needs: "M",
  story: [
    "Since 4.0 the fast paths run with preemption on, so tid and the address of the CPU's area are read one after the other.",
    "A task that moves away and back between the two reads compares the slab of another CPU and swaps on its own; both lists are empty, and NULL equals NULL.",
    "The fast path reads tid again through that address and starts over unless the two agree.",
  ],
  expect: ["wrong-slab", "lost-object", "counter-drift", "use-after-free"],
  change: withFreePath({ ...FREE_PATH, checksCpu: false }),
  retypes: { "Allocator.slabFreeChain": "09ee87e6" },
  scenario: {
    name: "migration-free",
    story:
      "A task is moved away and back while it frees an object of the other CPU's slab; both slabs are used up.",
    machine: { cpus: 2 },
    setup: [...on(0, alloc("a", 4)), ...on(1, alloc("b", 4))],
    contexts: [migratableTask("A", 0, free("b.0"))],
  },
  class: "wrong-slab",
  preemptions: 2,
});
