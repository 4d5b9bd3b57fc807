// SPDX-License-Identifier: GPL-2.0-only
/** Linux 6.19: sheaves above cpu slabs, filled from the cpu slab and emptied to it. */
import { interrupt, migratableTask, on, type SlabScenario, task } from "../scenario.ts";
import { alloc, bulkAlloc, bulkFree, flush, free, shrink } from "../steps.ts";

const machine = { cpus: 2, kernel: "6.19", sheafCapacity: 2 } as const;

export const optInRefill: SlabScenario = {
  name: "opt-in-refill",
  story: "A sheaf is filled from the cpu slab, into which another CPU frees at the same time.",
  machine: { ...machine, nodes: 2 },
  setup: on(0, alloc("a", 6)),
  contexts: [task("A", 0, alloc("x", 3)), task("B", 1, free("a.0"), free("a.4"))],
  endsEmpty: "shrunk",
};

export const optInInterrupt: SlabScenario = {
  name: "opt-in-interrupt",
  story:
    "An interrupt takes from the cpu slab, or frees to it, while a task fills or flushes a sheaf.",
  machine: { ...machine, cpus: 1 },
  setup: on(0, alloc("a", 8), free("a.0-3")),
  contexts: [
    task("A", 0, alloc("x", 5), free("a.4")),
    interrupt("irq", 0, [alloc("p", 2), free("a.5")]),
  ],
  endsEmpty: "shrunk",
};

export const optInMoved: SlabScenario = {
  name: "opt-in-moved",
  story: "A task fills a sheaf from one cpu slab, is moved, and goes on with those of another CPU.",
  machine,
  setup: [...on(0, alloc("a", 2)), ...on(1, alloc("b", 3), free("b.0"))],
  contexts: [migratableTask("A", 0, alloc("x", 2)), task("B", 1, alloc("y"), free("b.1"))],
  endsEmpty: "shrunk",
};

export const optInFlush: SlabScenario = {
  name: "opt-in-flush",
  story:
    "A CPU gives up its sheaves, whose objects land on its slab, and then the slab; another frees there.",
  machine: { ...machine, nodes: 2 },
  setup: on(0, alloc("a", 6), free("a.0-2")),
  contexts: [task("A", 0, flush()), task("B", 1, free("a.3"), free("a.5"))],
  endsEmpty: "shrunk",
};

export const optInBulk: SlabScenario = {
  name: "opt-in-bulk",
  story: "Bulk calls go on with the cpu slab where the sheaves end, while the cache is shrunk.",
  machine,
  setup: on(0, alloc("a", 6), free("a.0-3")),
  contexts: [task("A", 0, bulkAlloc("x", 6), bulkFree("x")), task("B", 1, shrink(), free("a.4"))],
  endsEmpty: "shrunk",
};
