// SPDX-License-Identifier: GPL-2.0-only
import { onSlub } from "../../kernel/classes.ts";
import { task } from "../../laboratory/scenario.ts";
import { alloc, free } from "../../laboratory/steps.ts";
import { bug } from "../exhibit.ts";

export const R39 = bug({
  id: "R39",
  title: "slub: correctly bootstrap boot caches",
  commit: "7d557b3cb693",
  year: 2013,
  verification: "V1",
  isIdUnconfirmed: true,
  needs: "0",
  story: [
    "When the boot caches move to their final place, only the slabs on the partial list learn the new address.",
    "The slab that the CPU allocates from is on no list and goes on naming the cache that is gone.",
    "The CPU is flushed first.",
  ],
  expect: ["wrong-slab"],
  change: onSlub((classes) => ({
    Bootstrap: class extends classes.Bootstrap {
      protected override flushBootSlab(): void {}
    },
  })),
  scenario: {
    name: "boot",
    story: "A machine is booted, and an object allocated.",
    machine: {},
    setup: [],
    contexts: [task("A", 0, alloc("x"), free("x"))],
  },
  class: "wrong-slab",
  preemptions: 0,
});
