// SPDX-License-Identifier: GPL-2.0-only
import { onSlub } from "../../kernel/classes.ts";
import { interrupt, on, task } from "../../laboratory/scenario.ts";
import { alloc, free } from "../../laboratory/steps.ts";
import { KmemCache, type KmemCachePtr } from "../../slub/structs.ts";
import { bug } from "../exhibit.ts";

export const R11 = bug({
  id: "R11",
  title: "mm, slub: protect put_cpu_partial() with disabled irqs instead of cmpxchg",
  commit: "e0a043aa4145",
  year: 2021,
  verification: "V2",
  needs: "S",
  story: [
    "A real-time kernel drained the cpu partial list with only migration disabled.",
    "A free in the middle of the drain pushes on the list that is being emptied, or waits for the list_lock that the drain holds.",
    "Interrupts, or a local lock, are off around the whole drain.",
  ],
  expect: [
    "deadlock",
    "stuck-frozen-slab",
    "list-corruption",
    "double-allocation",
    "lost-object",
    "counter-drift",
    "use-after-free",
  ],
  change: onSlub((classes) => ({
    CpuPartial: class extends classes.CpuPartial {
      protected override drain(s: KmemCachePtr): void {
        const { memory } = this;
        this.unfreeze(s, memory.thisCpuPtr(memory.read32(s + KmemCache.cpuSlab)));
      }
    },
  })),
  retypes: { "CpuPartial.drain": "3bf7bcff" },
  scenario: {
    name: "drain-interrupt",
    story: "An interrupt frees to a full slab while the cpu partial list is drained.",
    machine: { cpuPartial: 1 },
    setup: on(0, alloc("a", 24), free("a.0"), free("a.4")),
    contexts: [task("A", 0, free("a.12")), interrupt("irq", 0, free("a.16"))],
  },
  class: "stuck-frozen-slab",
  preemptions: 1,
});
