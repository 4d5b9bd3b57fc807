// SPDX-License-Identifier: GPL-2.0-only
import { migratableTask, on, type SlabScenario, task } from "../scenario.ts";
import { alloc, bulkFree, flush, free } from "../steps.ts";

export const twoTakers: SlabScenario = {
  name: "two-takers",
  story: "Two CPUs take slabs from one node's list, and one object is freed into them.",
  machine: { cpus: 2, cpuPartial: 2 },
  setup: on(0, alloc("a", 12), free("a.0"), free("a.4"), free("a.8"), flush()),
  contexts: [task("A", 0, alloc("x"), free("a.1")), task("B", 1, alloc("y", 2))],
  endsEmpty: "shrunk",
};

export const lastFreeTaken: SlabScenario = {
  name: "last-free-taken",
  story: "The last object of a listed slab is freed while another CPU takes that slab.",
  machine: { cpus: 2, minPartial: 0, cpuPartial: 0 },
  setup: on(0, alloc("a", 8), free("a.0-2"), flush()),
  contexts: [task("A", 0, free("a.3")), task("B", 1, alloc("y"))],
  endsEmpty: "shrunk",
};

export const bulkFreeRemote: SlabScenario = {
  name: "bulk-free-remote",
  story: "A chain of objects is freed into the used-up slab of another CPU, which frees, too.",
  machine: { cpus: 2 },
  setup: on(0, alloc("a", 8)),
  contexts: [task("A", 1, bulkFree("a.0-2")), task("B", 0, free("a.3"), alloc("x"))],
  endsEmpty: "shrunk",
};

export const migrationBeside: SlabScenario = {
  name: "migration-beside",
  story: "A task that may move allocates and flushes beside another on its CPU.",
  machine: { cpus: 2 },
  setup: on(0, alloc("a", 4)),
  contexts: [migratableTask("A", 0, alloc("x"), flush()), task("B", 0, alloc("y"), free("a.0"))],
  endsEmpty: "shrunk",
};
