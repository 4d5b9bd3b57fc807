// SPDX-License-Identifier: GPL-2.0-only
import { migratableTask, on, type SlabScenario, task } from "../scenario.ts";
import { alloc, bulkAlloc, free } from "../steps.ts";

export const migrationBulk: SlabScenario = {
  name: "migration-bulk",
  story: "A task is moved while its bulk allocation makes a slab, and another takes its CPU.",
  machine: { cpus: 2 },
  setup: [...on(0, alloc("a", 3)), ...on(1, alloc("b", 2))],
  contexts: [migratableTask("A", 0, bulkAlloc("x", 3)), task("B", 0, alloc("y"), free("a.0"))],
};
