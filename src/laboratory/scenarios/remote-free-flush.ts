// SPDX-License-Identifier: GPL-2.0-only
import { on, type SlabScenario, task } from "../scenario.ts";
import { alloc, flush, free } from "../steps.ts";

export const remoteFreeFlush: SlabScenario = {
  name: "remote-free-flush",
  story: "CPU 1 frees into a slab whose private list CPU 0 is putting back.",
  machine: { cpus: 2 },
  setup: on(0, alloc("a", 2)),
  contexts: [task("A", 0, flush()), task("B", 1, free("a.0"))],
};
