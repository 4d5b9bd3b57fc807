/**
 * The cpu partial list is drained with interrupts on, as on a real-time kernel that only disabled
 * migration there: a free or an allocation in between takes slabs from the list that is being
 * emptied, or waits for the list_lock that is held below it.
 */
import { onSlub } from "../../kernel/classes.ts";
import { KmemCache, type KmemCachePtr } from "../../slub/structs.ts";
import type { Mutation } from "./mutation.ts";

export const R11: Mutation = {
  id: "R11",
  title: "mm, slub: protect put_cpu_partial() with disabled irqs instead of cmpxchg",
  commit: "e0a043aa4145",
  year: 2021,
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
};
