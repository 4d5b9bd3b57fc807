// SPDX-License-Identifier: GPL-2.0-only
/**
 * What a kernel built with DEBUG_SLAB says when pages for a slab could not be had
 * (slab_out_of_memory). Others say nothing. At most ten times in five seconds over all caches, and
 * not where the caller wants no warning.
 */
import { gfpText } from "../../caches/gfp-text.ts";
import { since } from "../../caches/kernel-version.ts";
import { Ratelimit } from "../../machine/ratelimit.ts";
import { spinLockIrqsave, spinUnlockIrqrestore } from "../../machine/spinlock.ts";
import { __GFP_NOWARN } from "../../pages/gfp.ts";
import type { SlabContext } from "../slab-context.ts";
import { KmemCache, KmemCacheNode, type KmemCacheNodePtr, type KmemCachePtr } from "../structs.ts";

export class OutOfMemory {
  declare private readonly context: SlabContext;
  declare private readonly limit: Ratelimit;

  constructor(context: SlabContext) {
    this.context = context;
    this.limit = new Ratelimit(context.machine, "slab_out_of_memory");
  }

  /** `nid`: the node that was asked for, -1 for any. */
  report(s: KmemCachePtr, gfp: number, nid: number): void {
    if ((gfp & __GFP_NOWARN) !== 0 || !this.limit.allows()) return;
    const { common, machine, memory, nodes } = this.context;
    const print = (line: string): void => machine.console.printk(line);
    const size = memory.read32(s + KmemCache.size);
    const order = memory.read32(s + KmemCache.gfporder);
    print(`SLAB: Unable to allocate memory on node ${nid}${gfpText(common.kernel, gfp)}`);
    print(`  cache: ${common.nameOf(s)}, object size: ${size}, order: ${order}`);
    for (let node = 0; node < nodes; node++) {
      const n = this.context.nodeOf(s, node);
      if (n !== 0) print(`  node ${node}: ${this.countsOf(s, n)}`);
    }
  }

  /** Slabs and objects in use of all. Until 4.10 the free ones were counted apart. */
  private countsOf(s: KmemCachePtr, n: KmemCacheNodePtr): string {
    const { memory, common } = this.context;
    const flags = spinLockIrqsave(memory, n + KmemCacheNode.listLock);
    const count = (field: number): number => memory.read32(n + field);
    const total = count(KmemCacheNode.totalSlabs);
    const empty = count(KmemCacheNode.freeSlabs);
    const free = count(KmemCacheNode.freeObjects);
    spinUnlockIrqrestore(memory, n + KmemCacheNode.listLock, flags);
    const objects = total * memory.read32(s + KmemCache.num);
    const used = `slabs: ${total - empty}/${total}, objs: ${objects - free}/${objects}`;
    return since(common.kernel, "4.10") ? used : `${used}, free: ${free}`;
  }
}
