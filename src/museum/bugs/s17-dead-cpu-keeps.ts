// SPDX-License-Identifier: GPL-2.0-only
import { onSlub } from "../../kernel/classes.ts";
import { on, task } from "../../laboratory/scenario.ts";
import { alloc, cpuOffline, free } from "../../laboratory/steps.ts";
import { bug } from "../exhibit.ts";

export const S17 = bug({
  id: "S17",
  title: "a dead CPU is not flushed",
  needs: "X+hotplug",
  story: [
    "A CPU that goes offline is not flushed.",
    "Its slabs stay frozen for an owner that never comes back: frees into them reach no list, and no CPU allocates from them.",
    "The task that takes the CPU down flushes it for every cache, once the CPU runs nothing any more.",
  ],
  expect: ["stuck-frozen-slab"],
  change: onSlub((classes) => ({
    Hotplug: class extends classes.Hotplug {
      override deadCpu(): void {}
    },
  })),
  scenario: {
    name: "cpu-offline-free",
    story: "A CPU goes while another frees into the slabs it held.",
    machine: { cpus: 3 },
    setup: on(1, alloc("a", 6), free("a.1")),
    contexts: [task("A", 0, cpuOffline(1)), task("B", 2, free("a.0"), free("a.5"))],
  },
  class: "stuck-frozen-slab",
  preemptions: 0,
});
