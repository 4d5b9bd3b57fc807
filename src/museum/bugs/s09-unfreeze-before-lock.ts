// SPDX-License-Identifier: GPL-2.0-only
import { onSlub } from "../../kernel/classes.ts";
import { on, task } from "../../laboratory/scenario.ts";
import { alloc, flush, free } from "../../laboratory/steps.ts";
import type { PagePtr } from "../../pages/page.ts";
import type { KmemCachePtr } from "../../slub/structs.ts";
import { bug } from "../exhibit.ts";

export const S09 = bug({
  id: "S09",
  title: "unfreeze first, add_partial later",
  needs: "X",
  story: [
    "A slab of the cpu partial list is unfrozen first and listed later.",
    "A free on another CPU sees the slab unfrozen, expects it on the list and takes it off a list it is not on.",
    "Both steps happen under list_lock.",
  ],
  expect: ["list-corruption", "counter-drift", "use-after-free"],
  change: onSlub((classes) => ({
    CpuPartial: class extends classes.CpuPartial {
      protected override clearFrozen(s: KmemCachePtr, page: PagePtr): number {
        const n = this.context.nodeOfPage(s, page);
        this.nodePartial.unlock(n);
        const counters = super.clearFrozen(s, page);
        this.nodePartial.lock(n);
        return counters;
      }
    },
  })),
  scenario: {
    name: "remote-free-deactivate",
    story: "CPU 1 frees into a slab that CPU 0 is giving up.",
    machine: { cpus: 2, minPartial: 0 },
    setup: on(0, alloc("a", 8), free("a.1-3")),
    contexts: [task("A", 0, flush()), task("B", 1, free("a.0"))],
  },
  class: "list-corruption",
  preemptions: 1,
});
