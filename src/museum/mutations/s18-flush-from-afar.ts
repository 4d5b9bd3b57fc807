/**
 * Whoever flushes edits the other CPUs' slabs itself instead of asking each to do it: a CPU in the
 * middle of its fast path has its list taken away by plain stores.
 */
import { onSlub } from "../../kernel/classes.ts";
import { KmemCache, type KmemCachePtr } from "../../slub/structs.ts";
import type { Mutation } from "./mutation.ts";

export const S18: Mutation = {
  id: "S18",
  title: "flush_all flushes other CPUs from afar",
  commit: null,
  year: null,
  expect: [
    "bad-access",
    "double-allocation",
    "lost-object",
    "stuck-frozen-slab",
    "counter-drift",
    "list-corruption",
  ],
  change: onSlub((classes) => ({
    CpuSlabFront: class extends classes.CpuSlabFront {
      override flushAll(s: KmemCachePtr): void {
        const { memory } = this;
        const cpuSlab = memory.read32(s + KmemCache.cpuSlab);
        for (let cpu = 0; cpu < this.context.machine.options.cpus; cpu++) {
          if (!this.hasCpuSlab(s, cpu)) continue;
          const flags = memory.irqSave();
          this.flushCpu(s, memory.perCpuPtr(cpuSlab, cpu));
          memory.irqRestore(flags);
        }
      }
    },
  })),
};
