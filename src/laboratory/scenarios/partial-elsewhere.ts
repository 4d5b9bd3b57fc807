// SPDX-License-Identifier: GPL-2.0-only
import { on, type SlabScenario, task } from "../scenario.ts";
import { alloc, free, shrink } from "../steps.ts";

export const partialElsewhere: SlabScenario = {
  name: "partial-elsewhere",
  story: "A CPU has only slabs on its partial list, all empty, and another shrinks the cache.",
  machine: { cpus: 2 },
  setup: [...on(0, alloc("a", 8)), ...on(1, free("a"))],
  contexts: [task("A", 0, shrink())],
  endsEmpty: "by itself",
};
