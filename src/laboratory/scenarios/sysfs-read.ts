// SPDX-License-Identifier: GPL-2.0-only
import { on, type SlabScenario, task } from "../scenario.ts";
import { alloc, free, read } from "../steps.ts";

export const sysfsRead: SlabScenario = {
  name: "sysfs-read",
  story: "One CPU reads how many slabs there are while the other uses up its slab and frees.",
  machine: { cpus: 2 },
  setup: on(0, alloc("a", 4)),
  contexts: [
    task("A", 0, alloc("b"), free("a.0-3")),
    task("B", 1, [read("slabs"), read("objects"), read("cpu_slabs")]),
  ],
};
