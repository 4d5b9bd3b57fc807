// SPDX-License-Identifier: GPL-2.0-only
/** Frees straight to slabs while a refill has taken them off their list, or all of their objects. */
import { on, type SlabScenario, task } from "../scenario.ts";
import { alloc, bulkFree, free, shrink } from "../steps.ts";

/** Objects of node 0 that CPU 1, of node 1, frees go to their slabs. */
const machine = { cpus: 2, nodes: 2, kernel: "7.1", sheafCapacity: 3, minPartial: 0 } as const;

export const sheavesIsolated: SlabScenario = {
  name: "sheaves-isolated",
  story:
    "A slab is freed into while it is on no list and not full: who has isolated it lists it again.",
  machine,
  setup: [...on(0, alloc("a", 12)), ...on(1, free("a.0"), free("a.4"))],
  contexts: [task("A", 0, alloc("x", 4)), task("B", 1, free("a.1"), free("a.5"))],
  endsEmpty: "shrunk",
};

export const sheavesTakeAll: SlabScenario = {
  name: "sheaves-take-all",
  story: "All free objects of a slab are taken in one step while another CPU pushes one more.",
  machine,
  setup: [...on(0, alloc("a", 8)), ...on(1, free("a.0-1"))],
  contexts: [task("A", 0, alloc("x", 2)), task("B", 1, free("a.2"), free("a.3"))],
  endsEmpty: "shrunk",
};

export const sheavesBecomesEmpty: SlabScenario = {
  name: "sheaves-becomes-empty",
  story: "A slab becomes empty while a refill has it, with more slabs on the list than are kept.",
  machine,
  setup: [...on(0, alloc("a", 12)), ...on(1, free("a.0-2"), free("a.4-6"))],
  contexts: [task("A", 0, alloc("x", 3)), task("B", 1, free("a.3"), free("a.7"))],
  endsEmpty: "shrunk",
};

export const sheavesShrinkSlabs: SlabScenario = {
  name: "sheaves-shrink-slabs",
  story:
    "A shrink sorts and discards slabs into which another CPU frees, or whose first push lists them.",
  machine,
  setup: [...on(0, alloc("a", 8)), ...on(1, free("a.0-2"))],
  contexts: [task("A", 0, shrink()), task("B", 1, free("a.3"), free("a.4"))],
  endsEmpty: "shrunk",
};

export const sheavesStrangers: SlabScenario = {
  name: "sheaves-strangers",
  story:
    "Objects of another node are freed in bulk: they go to their slab, whose last ones free it.",
  machine,
  setup: on(0, alloc("a", 4, 1)),
  contexts: [task("A", 0, bulkFree("a.0-1")), task("B", 0, bulkFree("a.2-3"))],
  endsEmpty: "by itself",
};
