// SPDX-License-Identifier: GPL-2.0-only
/**
 * A node's slabs: full, partial and free ones, each on the list its `active` says, with the counts
 * that go with them. All but `init` with list_lock held, which is taken with interrupts off and
 * after an alien cache's lock, never before.
 */
import {
  initListHead,
  listAdd,
  listAddTail,
  listDel,
  listEmpty,
  listPrevious,
} from "../machine/list.ts";
import type { IrqFlags, Memory } from "../machine/memory.ts";
import {
  initSpinLock,
  spinLock,
  spinLockIrqsave,
  spinUnlock,
  spinUnlockIrqrestore,
} from "../machine/spinlock.ts";
import { Page, type PagePtr } from "../pages/page.ts";
import type { IndexArray } from "./index-array.ts";
import type { SlabContext } from "./slab-context.ts";
import { KmemCache, KmemCacheNode, type KmemCacheNodePtr, type KmemCachePtr } from "./structs.ts";

/** The parts of a SLAB that it uses. */
export interface NodeListsParts {
  readonly context: SlabContext;
  readonly indexes: IndexArray;
}

export class NodeLists {
  declare protected readonly context: SlabContext;
  declare protected readonly memory: Memory;
  declare protected readonly indexes: IndexArray;

  constructor(parts: NodeListsParts) {
    this.context = parts.context;
    this.memory = parts.context.memory;
    this.indexes = parts.indexes;
  }

  /** kmem_cache_node_init */
  init(n: KmemCacheNodePtr): void {
    const { memory } = this;
    initSpinLock(memory, n + KmemCacheNode.listLock, "list_lock");
    for (const head of this.heads(n)) initListHead(memory, head);
    for (const field of [
      KmemCacheNode.totalSlabs,
      KmemCacheNode.freeSlabs,
      KmemCacheNode.freeObjects,
      KmemCacheNode.freeLimit,
      KmemCacheNode.colourNext,
      KmemCacheNode.shared,
      KmemCacheNode.alien,
      KmemCacheNode.nextReap,
      KmemCacheNode.freeTouched,
      KmemCacheNode.highMark,
      KmemCacheNode.maxFreeable,
    ]) {
      memory.write32(n + field, 0);
    }
  }

  /** The heads of the three lists: partial, full, free. */
  heads(n: KmemCacheNodePtr): readonly [number, number, number] {
    return [
      n + KmemCacheNode.slabsPartial,
      n + KmemCacheNode.slabsFull,
      n + KmemCacheNode.slabsFree,
    ];
  }

  /** Interrupts are off already. */
  lock(n: KmemCacheNodePtr): void {
    spinLock(this.memory, n + KmemCacheNode.listLock);
  }

  unlock(n: KmemCacheNodePtr): void {
    spinUnlock(this.memory, n + KmemCacheNode.listLock);
  }

  lockIrqsave(n: KmemCacheNodePtr): IrqFlags {
    return spinLockIrqsave(this.memory, n + KmemCacheNode.listLock);
  }

  unlockIrqrestore(n: KmemCacheNodePtr, flags: IrqFlags): void {
    spinUnlockIrqrestore(this.memory, n + KmemCacheNode.listLock, flags);
  }

  /** With list_lock; marked, since refilling and reaping look at some counts without it. */
  addCount(n: KmemCacheNodePtr, field: number, by: number): void {
    this.memory.assertLockHeld(n + KmemCacheNode.listLock);
    this.memory.writeOnce(n + field, this.memory.read32(n + field) + by);
  }

  /**
   * get_first_slab: the slab to take objects from, still on its list; 0 if the node has none. Over
   * reserves (options/reserved-slabs.ts) only a request that may use them gets any slab.
   */
  firstWithFree(n: KmemCacheNodePtr, _mayUseReserves?: boolean): PagePtr {
    const { memory } = this;
    memory.assertLockHeld(n + KmemCacheNode.listLock);
    const partial = memory.read32(n + KmemCacheNode.slabsPartial);
    if (partial !== n + KmemCacheNode.slabsPartial) return partial - Page.lru;
    // Marked: the reaper looks at it and clears it without the lock.
    memory.writeOnce(n + KmemCacheNode.freeTouched, 1);
    const free = memory.read32(n + KmemCacheNode.slabsFree);
    return free === n + KmemCacheNode.slabsFree ? 0 : free - Page.lru;
  }

  /** Takes a slab off its list before objects are taken from it or put back. */
  remove(n: KmemCacheNodePtr, page: PagePtr): void {
    this.memory.assertLockHeld(n + KmemCacheNode.listLock);
    if (this.indexes.active(page) === 0) this.addCount(n, KmemCacheNode.freeSlabs, -1);
    listDel(this.memory, page + Page.lru);
  }

  /** fixup_slab_list: where a slab belongs after objects were taken from it. */
  addTaken(s: KmemCachePtr, n: KmemCacheNodePtr, page: PagePtr): void {
    const { memory } = this;
    memory.assertLockHeld(n + KmemCacheNode.listLock);
    if (this.indexes.active(page) === memory.read32(s + KmemCache.num)) {
      listAdd(memory, page + Page.lru, n + KmemCacheNode.slabsFull);
      this.indexes.becameFull(s, page);
    } else {
      listAdd(memory, page + Page.lru, n + KmemCacheNode.slabsPartial);
    }
  }

  /** A slab with free objects, to which one more was given back: the last to be used again. */
  addPartialTail(n: KmemCacheNodePtr, page: PagePtr): void {
    this.memory.assertLockHeld(n + KmemCacheNode.listLock);
    listAddTail(this.memory, page + Page.lru, n + KmemCacheNode.slabsPartial);
  }

  /** An empty slab. */
  addFree(n: KmemCacheNodePtr, page: PagePtr): void {
    listAdd(this.memory, page + Page.lru, n + KmemCacheNode.slabsFree);
    this.addCount(n, KmemCacheNode.freeSlabs, 1);
  }

  /** A new slab, of which some objects may have been taken already. */
  addNew(s: KmemCachePtr, n: KmemCacheNodePtr, page: PagePtr): void {
    const { memory } = this;
    const active = this.indexes.active(page);
    this.addCount(n, KmemCacheNode.totalSlabs, 1);
    this.addCount(n, KmemCacheNode.freeObjects, memory.read32(s + KmemCache.num) - active);
    if (active !== 0) {
      this.addTaken(s, n, page);
      return;
    }
    listAddTail(memory, page + Page.lru, n + KmemCacheNode.slabsFree);
    this.addCount(n, KmemCacheNode.freeSlabs, 1);
  }

  /** An empty slab, on no list, is no longer this node's. */
  forget(s: KmemCachePtr, n: KmemCacheNodePtr): void {
    this.addCount(n, KmemCacheNode.totalSlabs, -1);
    this.addCount(n, KmemCacheNode.freeObjects, -this.memory.read32(s + KmemCache.num));
  }

  /** Takes the empty slab that was empty longest off its list and out of the counts; 0: none. */
  removeLastFree(s: KmemCachePtr, n: KmemCacheNodePtr): PagePtr {
    const { memory } = this;
    const head = n + KmemCacheNode.slabsFree;
    if (listEmpty(memory, head)) return 0;
    const page = listPrevious(memory, head) - Page.lru;
    this.remove(n, page);
    this.forget(s, n);
    return page;
  }

  /** Whether a slab of the node has objects out. */
  hasObjectsOut(n: KmemCacheNodePtr): boolean {
    this.memory.assertLockHeld(n + KmemCacheNode.listLock);
    return (
      !listEmpty(this.memory, n + KmemCacheNode.slabsFull) ||
      !listEmpty(this.memory, n + KmemCacheNode.slabsPartial)
    );
  }
}
