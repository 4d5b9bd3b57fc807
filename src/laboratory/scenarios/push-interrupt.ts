// SPDX-License-Identifier: GPL-2.0-only
import { interrupt, on, type SlabScenario, task } from "../scenario.ts";
import { alloc, free } from "../steps.ts";

export const pushInterrupt: SlabScenario = {
  name: "push-interrupt",
  story:
    "While a free pushes a slab on the cpu partial list, an interrupt uses the head and its successor up and pushes the same head again.",
  machine: {},
  setup: on(0, alloc("a", 16), free("a.0"), free("a.4")),
  contexts: [task("A", 0, free("a.8")), interrupt("irq", 0, [alloc("x", 2), free("x.0")])],
};
