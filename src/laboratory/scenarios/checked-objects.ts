// SPDX-License-Identifier: GPL-2.0-only
import { on, type SlabScenario, task } from "../scenario.ts";
import { alloc, free, poke, shrink } from "../steps.ts";

export const quarantineShrink: SlabScenario = {
  name: "quarantine-shrink",
  story: "A cache is shrunk while freed objects wait in KASAN's quarantine and leave it.",
  machine: { cpus: 2, kernel: "6.1", kasan: true },
  setup: on(0, alloc("a", 3), free("a.0-1")),
  contexts: [task("A", 0, free("a.2"), [alloc("x"), poke("x", 1023, 1)]), task("B", 1, shrink())],
  endsEmpty: "shrunk",
};

export const guardedTwoCpus: SlabScenario = {
  name: "guarded-two-cpus",
  story: "Two CPUs free and allocate objects of KFENCE's pool.",
  machine: { cpus: 2, kernel: "7.1", kfence: 1 },
  setup: on(0, alloc("a", 2)),
  contexts: [
    task("A", 0, free("a.0"), [alloc("x"), poke("x", 1023, 1)]),
    task("B", 1, free("a.1"), [alloc("y"), poke("y", 0, 1)]),
  ],
};
