// SPDX-License-Identifier: GPL-2.0-only
import { on, type SlabScenario, task } from "../scenario.ts";
import { alloc, free } from "../steps.ts";

export const twoNodes: SlabScenario = {
  name: "two-nodes",
  story: "Two nodes allocate from and free to each other.",
  machine: { cpus: 2, nodes: 2 },
  setup: [...on(0, alloc("a", 2)), ...on(1, alloc("b", 2))],
  contexts: [
    task("A", 0, alloc("x", 1, 1), free("b.0")),
    task("B", 1, alloc("y", 1, 0), free("a.0")),
  ],
};
