// SPDX-License-Identifier: GPL-2.0-only
/** Interrupts that find the sheaf lock held, or a lock of the barn or of a list on another CPU. */
import { interrupt, on, type SlabScenario, task } from "../scenario.ts";
import { allocNolock, freeNolock } from "../sheaf-steps.ts";
import { alloc, bulkAlloc, free, kfreeRcu } from "../steps.ts";

const machine = { cpus: 1, kernel: "7.1", sheafCapacity: 2 } as const;

export const sheavesInterrupt: SlabScenario = {
  name: "sheaves-interrupt",
  story:
    "An interrupt allocates and frees wherever a task's refill or exchange can be interrupted.",
  machine,
  setup: on(0, alloc("a", 4), free("a.0")),
  contexts: [
    task("A", 0, alloc("x", 2), free("x")),
    interrupt("irq", 0, [free("a.1"), alloc("p", 2)]),
  ],
  endsEmpty: "shrunk",
};

export const sheavesNolock: SlabScenario = {
  name: "sheaves-nolock",
  story:
    "A nolock free over a holder of the sheaf lock is put off; a nolock allocation goes past it.",
  machine,
  setup: on(0, alloc("a", 5), free("a.0-2")),
  contexts: [
    task("A", 0, free("a.3"), alloc("x", 3)),
    interrupt("irq", 0, [freeNolock("a.4"), allocNolock("p")]),
  ],
  endsEmpty: "shrunk",
};

export const sheavesNolockElsewhere: SlabScenario = {
  name: "sheaves-nolock-elsewhere",
  story: "Nolock calls meet the locks of the barn and of the list in the hands of another CPU.",
  machine: { ...machine, cpus: 2 },
  setup: [...on(0, alloc("a", 8), free("a.0-3")), ...on(1, free("a.4-5"))],
  contexts: [
    task("A", 0, alloc("x", 5)),
    interrupt("irq", 1, [freeNolock("a.6"), allocNolock("p", 4)]),
  ],
  endsEmpty: "shrunk",
};

export const sheavesInterruptRcu: SlabScenario = {
  name: "sheaves-interrupt-rcu",
  story:
    "kfree_rcu in an interrupt over a task's, with the sheaf half made: one fills up, one is begun.",
  machine,
  // The empty spare sheaf of the allocations is used up, so another must be made.
  setup: on(0, alloc("a", 6), kfreeRcu("a.4-5")),
  contexts: [
    task("A", 0, kfreeRcu("a.0")),
    interrupt("irq", 0, [kfreeRcu("a.1"), kfreeRcu("a.2"), kfreeRcu("a.3")]),
  ],
  endsEmpty: "shrunk",
};

export const sheavesInterruptBulk: SlabScenario = {
  name: "sheaves-interrupt-bulk",
  story: "A bulk allocation is interrupted between two sheaves.",
  machine,
  setup: on(0, alloc("a", 6), free("a.0-3")),
  contexts: [task("A", 0, bulkAlloc("x", 4)), interrupt("irq", 0, [free("a.4"), alloc("p")])],
  endsEmpty: "shrunk",
};
