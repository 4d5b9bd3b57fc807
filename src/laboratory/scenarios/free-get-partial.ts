// SPDX-License-Identifier: GPL-2.0-only
import { on, type SlabScenario, task } from "../scenario.ts";
import { alloc, free, shrink } from "../steps.ts";

export const freeGetPartial: SlabScenario = {
  name: "free-get-partial",
  story: "CPU 1 frees into slabs that CPU 0 takes from the node's list.",
  machine: { cpus: 2 },
  setup: on(0, alloc("a", 8), free("a.0"), free("a.4"), shrink()),
  contexts: [task("A", 0, alloc("x")), task("B", 1, free("a.1"), free("a.5"))],
};
