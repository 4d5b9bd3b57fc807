// SPDX-License-Identifier: GPL-2.0-only
import { migratableTask, on, type SlabScenario } from "../scenario.ts";
import { alloc } from "../steps.ts";

export const migrationAlloc: SlabScenario = {
  name: "migration-alloc",
  story: "A task is moved away and back while it allocates.",
  machine: { cpus: 2 },
  setup: [...on(0, alloc("a", 3)), ...on(1, alloc("b", 3))],
  contexts: [migratableTask("A", 0, alloc("x"), alloc("y"))],
};
