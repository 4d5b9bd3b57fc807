// SPDX-License-Identifier: GPL-2.0-only
import { on, type SlabScenario, task } from "../scenario.ts";
import { alloc, cpuOffline, free, tune } from "../steps.ts";

export const slabCpuOffline: SlabScenario = {
  name: "slab-cpu-offline",
  story: "A CPU goes, and what its array held goes home, while another uses the same slabs.",
  machine: { cpus: 3, allocator: "slab", kernel: "6.1" },
  setup: [...on(0, tune(2, 2, 0)), ...on(1, alloc("a", 6), free("a.0-3"))],
  contexts: [task("A", 0, cpuOffline(1)), task("B", 2, alloc("x"), free("a.4"))],
};

export const slabNodeOffline: SlabScenario = {
  name: "slab-node-offline",
  story:
    "The last CPU of a node goes, its shared array and alien caches too, while others use them.",
  machine: { cpus: 3, nodes: 2, allocator: "slab", kernel: "6.1" },
  setup: [...on(0, tune(2, 1, 1), alloc("b", 2, 1)), ...on(2, alloc("a", 6), free("a.0-3"))],
  contexts: [task("A", 0, cpuOffline(2)), task("B", 1, free("b.0"), alloc("x", 1, 1))],
};
