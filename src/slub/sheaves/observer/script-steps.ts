// SPDX-License-Identifier: GPL-2.0-only
/** What scripts do with sheaves beyond the calls of a program. */
import type { SheafSteps } from "../../../caches/trace-view.ts";
import type { Address } from "../../../machine/memory.ts";
import { spinTrylock, spinUnlock } from "../../../machine/spinlock.ts";
import { GFP_KERNEL } from "../../../pages/gfp.ts";
import { KmemCache, KmemCacheNode, type KmemCachePtr } from "../../structs.ts";
import type { SheafSlub } from "../slub.ts";
import { Barn, CpuSheaves, type SheafPtr } from "../structs.ts";

export class SheafScriptSteps implements SheafSteps {
  private readonly slub: SheafSlub;

  constructor(slub: SheafSlub) {
    this.slub = slub;
  }

  prefill(s: KmemCachePtr, size: number): SheafPtr {
    return this.slub.prefill.prefill(s, GFP_KERNEL, size);
  }

  allocFromSheaf(sheaf: SheafPtr): Address {
    return this.slub.prefill.alloc(sheaf);
  }

  refill(s: KmemCachePtr, sheaf: SheafPtr, size: number): SheafPtr {
    return this.slub.prefill.refill(s, GFP_KERNEL, sheaf, size);
  }

  giveBack(s: KmemCachePtr, sheaf: SheafPtr): void {
    this.slub.prefill.giveBack(s, GFP_KERNEL, sheaf);
  }

  describeSheaf(sheaf: SheafPtr): string {
    return `${this.slub.sheaves.size(sheaf)}/${this.slub.prefill.capacity(sheaf)}`;
  }

  kfreeRcu(s: KmemCachePtr, object: Address): boolean {
    const { pages } = this.slub.context;
    const isHere =
      pages.pageToNid(pages.virtToHeadPage(object)) === this.slub.otherNodes.numaMemId();
    return isHere && this.slub.rcuSheaves.free(s, object);
  }

  flushRcuSheaves(s: KmemCachePtr): void {
    this.slub.rcuSheaves.flushThisCpu(s);
  }

  freeBatch(objects: Address[]): void {
    this.slub.freeBulk(0, objects.length, objects);
  }

  flushThisCpu(s: KmemCachePtr): void {
    this.slub.front.flushThisCpu(s);
  }

  allocNolock(s: KmemCachePtr): Address {
    return this.slub.allocNolock(s);
  }

  freeNolock(s: KmemCachePtr, object: Address): void {
    this.slub.freeNolock(s, object);
  }

  runDeferred(): void {
    this.slub.deferredFrees.run();
  }

  setMinPartial(s: KmemCachePtr, least: number): void {
    this.slub.context.memory.write32(s + KmemCache.minPartial, least);
  }

  withLock<T>(s: KmemCachePtr, lock: "sheaf" | "barn" | "list", act: () => T): T {
    const { memory } = this.slub.context;
    if (lock === "sheaf") {
      const pcs = memory.thisCpuPtr(memory.read32(s + KmemCache.cpuSlab));
      memory.writeOnce(pcs + CpuSheaves.locked, 1);
      const result = act();
      memory.writeOnce(pcs + CpuSheaves.locked, 0);
      return result;
    }
    const { topology } = this.slub.context.machine;
    const nid = topology.cpuToNode(memory.smpProcessorId());
    const at =
      lock === "barn"
        ? this.slub.barns.of(s, nid) + Barn.lock
        : this.slub.context.nodeOf(s, nid) + KmemCacheNode.listLock;
    spinTrylock(memory, at);
    const result = act();
    spinUnlock(memory, at);
    return result;
  }
}
