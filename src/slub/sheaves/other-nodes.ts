// SPDX-License-Identifier: GPL-2.0-only
/**
 * get_from_any_partial and its like: which other nodes' lists may be looked at, by a chance of
 * remoteNodeDefragRatio in 1024, and only where more slabs lie than the node wants to keep.
 */
import type { Memory } from "../../machine/memory.ts";
import { __GFP_THISNODE } from "../../pages/gfp.ts";
import type { MarkedPartial } from "../marked-partial.ts";
import type { SlubContext } from "../slub-context.ts";
import { KmemCache, type KmemCacheNodePtr, type KmemCachePtr } from "../structs.ts";

export interface OtherNodesParts {
  readonly context: SlubContext;
  readonly nodePartial: MarkedPartial;
}

export class OtherNodes {
  declare protected readonly parts: OtherNodesParts;
  declare protected readonly context: SlubContext;
  declare protected readonly memory: Memory;

  constructor(parts: OtherNodesParts) {
    this.parts = parts;
    this.context = parts.context;
    this.memory = parts.context.memory;
  }

  /** numa_mem_id: the nearest node with memory. */
  numaMemId(): number {
    const { topology } = this.context.machine;
    return this.context.pages.memoryNode(topology.cpuToNode(this.memory.smpProcessorId()));
  }

  /** Nearest first, the own one too; with __GFP_THISNODE the zonelist has no other. */
  *withSurplus(s: KmemCachePtr, gfp: number): Generator<KmemCacheNodePtr> {
    const { memory } = this;
    const ratio = memory.readOnce(s + KmemCache.remoteNodeDefragRatio);
    if (ratio === 0 || (memory.getCycles() >>> 0) % 1024 > ratio) return;
    const own = this.numaMemId();
    const isAlone = (gfp & __GFP_THISNODE) !== 0;
    for (const nid of isAlone ? [own] : this.nodesInOrder()) {
      const n = this.context.nodeOf(s, nid);
      if (n === 0) continue;
      const least = memory.readOnce(s + KmemCache.minPartial);
      if (this.parts.nodePartial.nrPartial(n) > least) yield n;
    }
  }

  /** The nodes of the zonelist, nearest first. */
  protected nodesInOrder(): Iterable<number> {
    return this.context.machine.topology.byDistance(this.numaMemId());
  }
}
