// SPDX-License-Identifier: GPL-2.0-only
import { onSlab } from "../../kernel/classes.ts";
import { on, task } from "../../laboratory/scenario.ts";
import { alloc, free, minFree } from "../../laboratory/steps.ts";
import type { Address } from "../../machine/memory.ts";
import { ArrayCache, type KmemCachePtr } from "../../slab/structs.ts";
import { bug } from "../exhibit.ts";

export const S34 = bug({
  id: "S34",
  title: "slab: a request that finds only marked entries keeps the one it has popped",
  needs: "0",
  story: [
    "ac_get_obj pops the newest entry before it looks at the mark.",
    "An ordinary request finds nothing but marked entries and no page to grow by, and the popped one is in no array and in nobody's hands.",
    "Where the request gets nothing the array is as long as before.",
  ],
  expect: ["lost-object"],
  change: onSlab((classes) => ({
    Refill: class extends classes.Refill {
      override allocate(s: KmemCachePtr, gfp: number): Address {
        const object = super.allocate(s, gfp);
        const avail = this.context.cpuArray(s) + ArrayCache.avail;
        const left = this.memory.read32(avail);
        if (object === 0 && left > 0) this.memory.writeOnce(avail, left - 1);
        return object;
      }
    },
  })),
  scenario: {
    name: "slab-only-marked",
    story: "An ordinary request finds only objects of the reserves in its CPU's array.",
    machine: { allocator: "slab", cpus: 2 },
    setup: on(0, minFree(65_536), alloc("a", 4, -1, "memalloc")),
    contexts: [
      task("A", 0, free("a.0"), alloc("x", 1, -1, "ordinary"), alloc("y", 1, -1, "memalloc")),
      task("B", 1, free("a.1")),
    ],
  },
  class: "lost-object",
  preemptions: 0,
});
