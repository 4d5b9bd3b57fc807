// SPDX-License-Identifier: GPL-2.0-only
/**
 * An interrupt changes the cpu slab in the middle of a slow allocation. Since Linux 5.15 that can be
 * between any two of its steps with interrupts off, each of which must look again.
 */
import { interrupt, on, type SlabScenario, task } from "../scenario.ts";
import { alloc, free } from "../steps.ts";

export const interruptTakesPartial: SlabScenario = {
  name: "interrupt-takes-partial",
  story:
    "A CPU has used its slab up and goes to its partial list; an interrupt takes the first slab of that.",
  machine: {},
  setup: on(0, alloc("a", 16), free("a.0"), free("a.4"), free("a.8")),
  contexts: [task("A", 0, alloc("x")), interrupt("irq", 0, alloc("p"))],
};

export const interruptChangesSlab: SlabScenario = {
  name: "interrupt-changes-slab",
  story:
    "A slab is given up for one of another node; an interrupt uses it up and brings the next meanwhile.",
  machine: { cpus: 2, nodes: 2 },
  setup: on(0, alloc("a", 3)),
  contexts: [task("A", 0, alloc("x", 1, 1)), interrupt("irq", 0, alloc("p", 2))],
};
