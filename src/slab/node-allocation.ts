// SPDX-License-Identifier: GPL-2.0-only
/**
 * Objects straight from a node's slabs, past all arrays: where a certain node was asked for, and
 * where the CPU's own node has nothing left. Interrupts are off, except while a slab is made.
 */
import type { Address, Memory } from "../machine/memory.ts";
import { __GFP_THISNODE } from "../pages/gfp.ts";
import type { PagePtr } from "../pages/page.ts";
import type { Grow } from "./grow.ts";
import type { IndexArray } from "./index-array.ts";
import type { NodeLists } from "./node-lists.ts";
import type { SlabContext } from "./slab-context.ts";
import { NODEALLOCS } from "./statistics.ts";
import { KmemCacheNode, type KmemCacheNodePtr, type KmemCachePtr } from "./structs.ts";

/** The parts of a SLAB that it uses. */
export interface NodeAllocationParts {
  readonly context: SlabContext;
  readonly indexes: IndexArray;
  readonly lists: NodeLists;
  readonly grow: Grow;
}

export class NodeAllocation {
  declare protected readonly context: SlabContext;
  declare protected readonly memory: Memory;
  declare protected readonly indexes: IndexArray;
  declare protected readonly lists: NodeLists;
  declare protected readonly grow: Grow;

  constructor(parts: NodeAllocationParts) {
    this.context = parts.context;
    this.memory = parts.context.memory;
    this.indexes = parts.indexes;
    this.lists = parts.lists;
    this.grow = parts.grow;
  }

  /** ____cache_alloc_node: one object of that node, or of any other unless __GFP_THISNODE; or 0. */
  allocate(s: KmemCachePtr, gfp: number, nid: number): Address {
    const n = this.nodeAt(s, nid);
    if (n === 0) return this.fallback(s, gfp);
    for (;;) {
      const object = this.takeOne(s, n);
      if (object !== 0) return object;
      const page = this.grow.begin(s, gfp, nid);
      if (page === 0) return this.fallback(s, gfp);
      this.grow.end(s, page);
    }
  }

  /** get_node: 0 where the machine has no node of that number. */
  protected nodeAt(s: KmemCachePtr, nid: number): KmemCacheNodePtr {
    return nid >= 0 && nid < this.context.nodes ? this.context.nodeOf(s, nid) : 0;
  }

  protected takeOne(s: KmemCachePtr, n: KmemCacheNodePtr): Address {
    this.lists.lock(n);
    const page = this.lists.firstWithFree(n);
    const object = page === 0 ? 0 : this.takeFrom(s, n, page);
    this.lists.unlock(n);
    return object;
  }

  protected takeFrom(s: KmemCachePtr, n: KmemCacheNodePtr, page: PagePtr): Address {
    this.context.stat(s, NODEALLOCS);
    this.lists.remove(n, page);
    const object = this.indexes.take(s, page);
    this.lists.addCount(n, KmemCacheNode.freeObjects, -1);
    this.lists.addTaken(s, n, page);
    return object;
  }

  /**
   * fallback_alloc: from the nearest node that has free objects, else from a new slab on whichever
   * node has pages.
   */
  protected fallback(s: KmemCachePtr, gfp: number): Address {
    if ((gfp & __GFP_THISNODE) !== 0) return 0;
    const exact = this.grow.exactNode(gfp);
    for (;;) {
      for (const nid of this.nodesInOrder()) {
        // Racy: only says whether it is worth a try.
        const n = this.context.nodeOf(s, nid);
        if (n === 0 || this.memory.readOnce(n + KmemCacheNode.freeObjects) === 0) continue;
        const object = this.allocate(s, exact, nid);
        if (object !== 0) return object;
      }
      const page = this.grow.beginAnywhere(s, gfp);
      if (page === 0) return 0;
      const nid = this.context.pages.pageToNid(page);
      this.grow.end(s, page);
      // Others may be faster; then all over again.
      const object = this.allocate(s, exact, nid);
      if (object !== 0) return object;
    }
  }

  /** The nodes of the zonelist, nearest first. */
  protected nodesInOrder(): Iterable<number> {
    return this.context.machine.topology.byDistance(this.context.localNode());
  }
}
