// SPDX-License-Identifier: GPL-2.0-only
/** Two CPUs of one node exchange sheaves by way of the barn. */
import { on, type SlabScenario, task } from "../scenario.ts";
import { alloc, bulkAlloc, bulkFree, free, shrink } from "../steps.ts";

const machine = { cpus: 2, kernel: "7.1", sheafCapacity: 2 } as const;

export const sheavesTwoCpus: SlabScenario = {
  name: "sheaves-two-cpus",
  story: "A CPU brings full sheaves to the barn while another takes them from there.",
  machine,
  setup: on(0, alloc("a", 8), free("a.0-3")),
  contexts: [
    task("A", 0, free("a.4"), free("a.5"), free("a.6")),
    task("B", 1, alloc("x"), alloc("y"), alloc("z")),
  ],
  endsEmpty: "shrunk",
};

export const sheavesLastFull: SlabScenario = {
  name: "sheaves-last-full",
  story: "Two CPUs see one full sheaf in the barn, and one of them gets it.",
  machine,
  setup: on(0, alloc("a", 8), free("a.0-5")),
  contexts: [task("A", 0, alloc("x", 5)), task("B", 1, alloc("y"))],
  endsEmpty: "shrunk",
};

export const sheavesBarnLimit: SlabScenario = {
  name: "sheaves-barn-limit",
  story:
    "Two CPUs find room for one full sheaf in the barn: the limit is overshot, nothing is lost.",
  machine,
  setup: [...on(0, alloc("a", 32), free("a.0-21")), ...on(1, free("a.22-25"))],
  contexts: [task("A", 0, free("a.26"), free("a.27")), task("B", 1, free("a.28"), free("a.29"))],
  endsEmpty: "shrunk",
};

export const sheavesBulk: SlabScenario = {
  name: "sheaves-bulk",
  story: "Bulk calls empty and fill sheaves that another CPU exchanges.",
  machine,
  setup: on(0, alloc("a", 8), free("a.0-4")),
  contexts: [
    task("A", 0, bulkAlloc("x", 5), bulkFree("x")),
    task("B", 1, free("a.5"), alloc("y", 2)),
  ],
  endsEmpty: "shrunk",
};

export const sheavesShrink: SlabScenario = {
  name: "sheaves-shrink",
  story: "The barn and the CPUs are emptied while a CPU frees and allocates.",
  machine,
  setup: on(0, alloc("a", 8), free("a.0-5")),
  contexts: [task("A", 1, shrink()), task("B", 0, free("a.6"), alloc("x", 2), free("x"))],
  endsEmpty: "shrunk",
};
