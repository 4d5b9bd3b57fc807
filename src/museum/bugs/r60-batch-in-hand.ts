// SPDX-License-Identifier: GPL-2.0-only
import { onQuarantine } from "../../kernel/kasan-classes.ts";
import { on, task } from "../../laboratory/scenario.ts";
import { alloc, destroy, flush, free, kmalloc } from "../../laboratory/steps.ts";
import { bug } from "../exhibit.ts";

export const R60 = bug({
  id: "R60",
  title: "kasan: fix races in quarantine_remove_cache()",
  commit: "ce5bec54bb5d",
  year: 2017,
  verification: "V1",
  isIdUnconfirmed: true,
  needs: "X",
  story: [
    "The destruction of a cache took its objects out of KASAN's quarantine, but did not wait for batches that other CPUs had in hand.",
    "An allocation has taken a batch out and not yet freed it: the cache still has objects when it is destroyed.",
    "An allocation that takes a batch is a reader of SRCU, for which the destruction waits.",
  ],
  expect: ["lost-object", "use-after-free"],
  change: onQuarantine(
    (Quarantine) =>
      class extends Quarantine {
        protected override waitForReducing(): void {}
      },
  ),
  retypes: {},
  scenario: {
    name: "quarantine-destroy",
    story: "A cache is destroyed while an allocation takes its objects out of the quarantine.",
    machine: { cpus: 2, kernel: "6.1", kasan: true },
    setup: on(0, alloc("a", 3), free("a"), flush()),
    contexts: [task("A", 0, kmalloc("x", 64)), task("B", 1, destroy())],
  },
  class: "lost-object",
  preemptions: 1,
});
