// SPDX-License-Identifier: GPL-2.0-only
import { on, type SlabScenario, task } from "../scenario.ts";
import { alloc, bulkAlloc, failPage, free } from "../steps.ts";

export const pageFails: SlabScenario = {
  name: "page-fails",
  story: "There is no page for a new slab while another CPU frees into the old one.",
  machine: { cpus: 2 },
  setup: on(0, alloc("a", 4)),
  contexts: [task("A", 0, failPage(1), alloc("x", 5)), task("B", 1, free("a.0"), alloc("y"))],
  endsEmpty: "shrunk",
};

export const bulkFails: SlabScenario = {
  name: "bulk-fails",
  story: "A bulk allocation runs out of pages half way and gives back what it has taken.",
  machine: { cpus: 2 },
  setup: on(0, alloc("a", 2)),
  contexts: [task("A", 0, failPage(1), bulkAlloc("x", 9)), task("B", 1, free("a.0"), alloc("y"))],
  endsEmpty: "shrunk",
};
