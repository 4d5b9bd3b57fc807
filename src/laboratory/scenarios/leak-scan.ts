// SPDX-License-Identifier: GPL-2.0-only
import { on, type SlabScenario, task } from "../scenario.ts";
import { alloc, free, leakScan, notLeak, point } from "../steps.ts";

export const leakScanFree: SlabScenario = {
  name: "leak-scan-free",
  story:
    "kmemleak scans while an object is freed that another one points to, and one is allocated.",
  machine: { cpus: 2, size: 32 },
  setup: on(0, alloc("a", 3), point("a.0", "a.1"), notLeak("a.0")),
  contexts: [task("A", 0, leakScan()), task("B", 1, free("a.1"), alloc("x"))],
};
