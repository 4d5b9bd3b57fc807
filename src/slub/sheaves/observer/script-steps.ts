// SPDX-License-Identifier: GPL-2.0-only
/** What scripts do with sheaves beyond the calls of a program. */
import type { SheafSteps } from "../../../caches/trace-view.ts";
import { spinTrylock, spinUnlock } from "../../../machine/spinlock.ts";
import { KmemCache, KmemCacheNode, type KmemCachePtr } from "../../structs.ts";
import { Barn, CpuSheaves, type SheafPtr } from "../structs.ts";
import type { Sheaved } from "./sheaved.ts";

export class SheafScriptSteps implements SheafSteps {
  private readonly slub: Sheaved;

  constructor(slub: Sheaved) {
    this.slub = slub;
  }

  describeSheaf(sheaf: SheafPtr): string {
    return `${this.slub.sheaves.size(sheaf)}/${this.slub.prefill.capacity(sheaf)}`;
  }

  flushThisCpu(s: KmemCachePtr): void {
    this.slub.front.flushThisCpu(s);
  }

  flushRcuOfThisCpu(s: KmemCachePtr): void {
    this.slub.rcuSheaves.flushThisCpu(s);
  }

  setMinPartial(s: KmemCachePtr, least: number): void {
    this.slub.context.memory.write32(s + KmemCache.minPartial, least);
  }

  withLock<T>(s: KmemCachePtr, lock: "sheaf" | "barn" | "list", act: () => T): T {
    const { memory } = this.slub.context;
    if (lock === "sheaf") {
      const pcs = memory.thisCpuPtr(memory.read32(s + KmemCache.cpuSheaves));
      memory.writeOnce(pcs + CpuSheaves.locked, 1);
      const result = act();
      memory.writeOnce(pcs + CpuSheaves.locked, 0);
      return result;
    }
    const { topology } = this.slub.context.machine;
    const nid = topology.cpuToNode(memory.smpProcessorId());
    const barn = this.slub.barns.of(s, nid);
    // A cache without sheaves has no barn whose lock could be held.
    if (lock === "barn" && barn === 0) return act();
    const at =
      lock === "barn"
        ? barn + Barn.lock
        : this.slub.context.nodeOf(s, nid) + KmemCacheNode.listLock;
    spinTrylock(memory, at);
    const result = act();
    spinUnlock(memory, at);
    return result;
  }
}
