// SPDX-License-Identifier: GPL-2.0-only
import { onSlub } from "../../kernel/classes.ts";
import { on, task } from "../../laboratory/scenario.ts";
import { alloc, flush, free } from "../../laboratory/steps.ts";
import { KmemCache, type KmemCachePtr } from "../../slub/structs.ts";
import { bug } from "../exhibit.ts";

export const S18 = bug({
  id: "S18",
  title: "flush_all flushes other CPUs from afar",
  needs: "X",
  story: [
    "flush_all edits the slabs of the other CPUs itself.",
    "A CPU in its fast path loses its list to plain stores, and tid does not move in time.",
    "Each CPU is asked to flush itself.",
  ],
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
  retypes: { "CpuSlabFront.flushAll": "f1801112" },
  scenario: {
    name: "alloc-flush-all",
    story: "One CPU flushes all while another is in its fast path.",
    machine: { cpus: 2 },
    setup: on(0, alloc("a"), free("a")),
    contexts: [task("A", 0, alloc("x")), task("B", 1, flush())],
  },
  class: "bad-access",
  preemptions: 1,
});
