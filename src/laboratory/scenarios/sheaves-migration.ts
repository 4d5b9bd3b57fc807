// SPDX-License-Identifier: GPL-2.0-only
/** A task is moved while the sheaf lock is dropped: what it finds afterwards is another CPU's. */
import { migratableTask, on, type SlabScenario, task } from "../scenario.ts";
import { alloc, free, kfreeRcu } from "../steps.ts";

const machine = { cpus: 2, kernel: "7.1", sheafCapacity: 2 } as const;

export const sheavesMovedRefill: SlabScenario = {
  name: "sheaves-moved-refill",
  story:
    "A task fills a sheaf for one CPU and installs it on another, whose sheaves are in any state.",
  machine,
  setup: on(1, alloc("a", 6), free("a.0-2")),
  contexts: [migratableTask("A", 0, alloc("x")), task("B", 1, alloc("y", 2), free("a.3"))],
  endsEmpty: "shrunk",
};

export const sheavesMovedFlush: SlabScenario = {
  name: "sheaves-moved-flush",
  story:
    "A task makes room for one CPU's frees and finds itself on another, which may have room or none.",
  machine,
  setup: [...on(0, alloc("a", 12), free("a.0-3")), ...on(1, free("a.4-7"))],
  contexts: [migratableTask("A", 0, free("a.8")), task("B", 1, free("a.9"), alloc("y"))],
  endsEmpty: "shrunk",
};

export const sheavesMovedFullBarn: SlabScenario = {
  name: "sheaves-moved-full-barn",
  story:
    "The barn has enough: a task flushes a spare sheaf, is moved, and keeps the emptied one in use.",
  machine,
  setup: [...on(0, alloc("a", 40), free("a.0-23")), ...on(1, free("a.24-27"))],
  contexts: [migratableTask("A", 0, free("a.28")), task("B", 0, free("a.29"), alloc("y"))],
  endsEmpty: "shrunk",
};

export const sheavesMovedRcu: SlabScenario = {
  name: "sheaves-moved-rcu",
  story: "A task makes a sheaf for kfree_rcu, is moved, and finds that the CPU has one already.",
  machine: { ...machine, sheafCapacity: 3 },
  // The empty spare sheaf of the allocations is used up, so another must be made.
  setup: on(0, alloc("a", 5), kfreeRcu("a.2-4")),
  contexts: [migratableTask("A", 0, kfreeRcu("a.0")), task("B", 1, kfreeRcu("a.1"))],
  endsEmpty: "shrunk",
};
