// SPDX-License-Identifier: GPL-2.0-only
/**
 * Bulk calls as 5.15 to 6.1 have them. Allocation holds interrupts off only while it pops; it calls
 * the slow path with interrupts on and preemption off. Neither way counts the objects it pops. Freeing
 * makes one chain of the objects of a slab for debug caches too: their checks look at the chain under
 * list_lock (6.1).
 */
import type { Address } from "../../machine/memory.ts";
import { NUMA_NO_NODE } from "../../machine/topology.ts";
import { ALLOC_SLOWPATH } from "../statistics.ts";
import type { KmemCachePtr } from "../structs.ts";
import { Bulk } from "./bulk.ts";

export class BulkInterruptible extends Bulk {
  /** slab_free_freelist_hook takes each chain apart and so turns it around (Linux 5.3). */
  protected override readonly turnsChains = true;

  override take(s: KmemCachePtr, gfp: number, size: number, p: Address[]): number {
    const { memory, cpuSlab } = this;
    memory.preemptDisable();
    let flags = memory.irqSave();
    let c = cpuSlab.here(s);
    let got = 0;
    for (; got < size; got++) {
      let object = cpuSlab.pop(s, c);
      if (object !== 0) this.countPopped(s);
      else {
        this.bumpBeforeSlowPath(c);
        memory.irqRestore(flags);
        object = this.parts.slowAllocation.allocateHere(s, gfp, NUMA_NO_NODE);
        this.context.stat(s, ALLOC_SLOWPATH);
        flags = memory.irqSave();
        c = cpuSlab.here(s);
        if (object === 0) break;
      }
      p[got] = object;
    }
    cpuSlab.bumpTid(c);
    memory.irqRestore(flags);
    memory.preemptEnable();
    return got;
  }

  protected countPopped(_s: KmemCachePtr): void {}

  protected override freesSingly(): boolean {
    return false;
  }
}
