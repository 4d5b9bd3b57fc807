// SPDX-License-Identifier: GPL-2.0-only
import { onSlab } from "../../kernel/classes.ts";
import { interrupt, on, task } from "../../laboratory/scenario.ts";
import { alloc, free } from "../../laboratory/steps.ts";
import type { Address } from "../../machine/memory.ts";
import { NUMA_NO_NODE } from "../../machine/topology.ts";
import { ALLOCHIT } from "../../slab/statistics.ts";
import { ArrayCache, COUNTERS, entryAt, type KmemCachePtr } from "../../slab/structs.ts";
import { bug } from "../exhibit.ts";

export const S19 = bug({
  id: "S19",
  title: "SLAB: avail is lowered with interrupts on",
  needs: "S",
  story: [
    "SLAB takes the object with interrupts off and lowers avail after they are on again.",
    "An interrupt in between is handed the same object.",
    "Interrupts stay off until avail is lowered.",
  ],
  expect: ["double-allocation", "double-free", "lost-object", "use-after-free"],
  change: onSlab((form) => ({
    Allocator: class extends form.Allocator {
      override slabAllocNode(s: KmemCachePtr, gfp: number, node: number): Address {
        const { memory } = this;
        const flags = memory.irqSave();
        const ac = this.context.cpuArray(s);
        const avail = memory.read32(ac + ArrayCache.avail) - 1;
        if (avail < 0 || node !== NUMA_NO_NODE) {
          memory.irqRestore(flags);
          return super.slabAllocNode(s, gfp, node);
        }
        const object = memory.read32(entryAt(ac, avail));
        memory.irqRestore(flags);
        memory.write32(ac + ArrayCache.avail, avail);
        memory.count(ac + COUNTERS + (ALLOCHIT << 2), 1);
        return object;
      }
    },
  })),
  retypes: { "Allocator.slabAllocNode": "0528ebb5" },
  scenario: {
    name: "slab-interrupt-alloc",
    story: "An interrupt allocates anywhere in an allocation.",
    machine: { allocator: "slab" },
    setup: on(0, alloc("a", 2), free("a")),
    contexts: [task("A", 0, alloc("x")), interrupt("irq", 0, alloc("p"))],
  },
  class: "double-allocation",
  preemptions: 1,
});
