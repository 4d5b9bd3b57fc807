// SPDX-License-Identifier: GPL-2.0-only
import { on, type SlabScenario, task } from "../scenario.ts";
import { alloc, free } from "../steps.ts";

export const cpuPartialOverflow: SlabScenario = {
  name: "cpu-partial-overflow",
  story:
    "A free drains the cpu partial list that it makes too long; another CPU frees into slabs of it.",
  machine: { cpus: 2, cpuPartial: 1 },
  setup: on(0, alloc("a", 16), free("a.0"), free("a.4")),
  contexts: [task("A", 0, free("a.8")), task("B", 1, free("a.1"), free("a.5"))],
};
