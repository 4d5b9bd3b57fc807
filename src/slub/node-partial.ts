// SPDX-License-Identifier: GPL-2.0-only
/**
 * The lists of a node: slabs with free objects that no CPU owns (partial), and, where users are
 * tracked, full ones. Guarded by list_lock, which is held with interrupts off; nrPartial is also read
 * without it, as a hint. The offsets have local names, since a slow free comes by here.
 *
 * Invariant under the lock: a slab is on `partial` if and only if it is not frozen and has a free
 * object. Take from the head; a slab with only local frees goes back to the head (it is warm), all
 * others to the tail.
 */
import { initListHead, listAdd, listAddTail, listDel } from "../machine/list.ts";
import type { Address, IrqFlags, Memory } from "../machine/memory.ts";
import {
  initSpinLock,
  spinLock,
  spinLockIrqsave,
  spinUnlock,
  spinUnlockIrqrestore,
} from "../machine/spinlock.ts";
import { Page, type PagePtr } from "../pages/page.ts";
import type { SlubContext } from "./slub-context.ts";
import { KmemCache, KmemCacheNode, type KmemCacheNodePtr, type KmemCachePtr } from "./structs.ts";

const NODE_LIST_LOCK = KmemCacheNode.listLock;
const NODE_NR_PARTIAL = KmemCacheNode.nrPartial;
const NODE_PARTIAL = KmemCacheNode.partial;
const NODE_NR_SLABS = KmemCacheNode.nrSlabs;
const NODE_TOTAL_OBJECTS = KmemCacheNode.totalObjects;
const NODE_FULL = KmemCacheNode.full;
const CACHE_MIN_PARTIAL = KmemCache.minPartial;
const PAGE_LRU = Page.lru;

/** Where a slab is added to the partial list: slabs are taken from the head. */
export const ADD_TO_HEAD = 0;
export const ADD_TO_TAIL = 1;
export type ListEnd = typeof ADD_TO_HEAD | typeof ADD_TO_TAIL;

export class NodePartial {
  declare protected readonly context: SlubContext;
  declare protected readonly memory: Memory;

  constructor(parts: { readonly context: SlubContext }) {
    this.context = parts.context;
    this.memory = parts.context.memory;
  }

  /** init_kmem_cache_node */
  init(n: KmemCacheNodePtr): void {
    const { memory } = this;
    initSpinLock(memory, n + NODE_LIST_LOCK, "list_lock");
    memory.write32(n + NODE_NR_PARTIAL, 0);
    initListHead(memory, n + NODE_PARTIAL);
    memory.write32(n + NODE_NR_SLABS, 0);
    memory.write32(n + NODE_TOTAL_OBJECTS, 0);
    initListHead(memory, n + NODE_FULL);
  }

  lock(n: KmemCacheNodePtr): void {
    spinLock(this.memory, n + NODE_LIST_LOCK);
  }

  unlock(n: KmemCacheNodePtr): void {
    spinUnlock(this.memory, n + NODE_LIST_LOCK);
  }

  lockIrqsave(n: KmemCacheNodePtr): IrqFlags {
    return spinLockIrqsave(this.memory, n + NODE_LIST_LOCK);
  }

  unlockIrqrestore(n: KmemCacheNodePtr, flags: IrqFlags): void {
    spinUnlockIrqrestore(this.memory, n + NODE_LIST_LOCK, flags);
  }

  /** n->nr_partial: exact under the lock, a hint without it. */
  nrPartial(n: KmemCacheNodePtr): number {
    return this.memory.readOnce(n + NODE_NR_PARTIAL);
  }

  /** Whether an empty slab goes back instead of being listed. Without the lock a hint, too. */
  hasEnough(s: KmemCachePtr, n: KmemCacheNodePtr): boolean {
    return this.nrPartial(n) >= this.memory.readOnce(s + CACHE_MIN_PARTIAL);
  }

  /** add_partial. Needs list_lock. */
  add(n: KmemCacheNodePtr, page: PagePtr, end: ListEnd): void {
    this.memory.assertLockHeld(n + NODE_LIST_LOCK);
    this.addUnlocked(n, page, end);
  }

  /** __add_partial: also without list_lock, before other CPUs know the node. */
  addUnlocked(n: KmemCacheNodePtr, page: PagePtr, end: ListEnd): void {
    const { memory } = this;
    memory.writeOnce(n + NODE_NR_PARTIAL, memory.read32(n + NODE_NR_PARTIAL) + 1);
    if (end === ADD_TO_TAIL) listAddTail(memory, page + PAGE_LRU, n + NODE_PARTIAL);
    else listAdd(memory, page + PAGE_LRU, n + NODE_PARTIAL);
  }

  /** remove_partial. Needs list_lock. */
  remove(n: KmemCacheNodePtr, page: PagePtr): void {
    const { memory } = this;
    memory.assertLockHeld(n + NODE_LIST_LOCK);
    listDel(memory, page + PAGE_LRU);
    memory.writeOnce(n + NODE_NR_PARTIAL, memory.read32(n + NODE_NR_PARTIAL) - 1);
  }

  /** add_full. Needs list_lock. */
  addFull(s: KmemCachePtr, n: KmemCacheNodePtr, page: PagePtr): void {
    if (!this.context.keepsFullList(s)) return;
    this.memory.assertLockHeld(n + NODE_LIST_LOCK);
    listAdd(this.memory, page + PAGE_LRU, n + NODE_FULL);
  }

  /** remove_full. Needs list_lock. */
  removeFull(s: KmemCachePtr, n: KmemCacheNodePtr, page: PagePtr): void {
    if (!this.context.keepsFullList(s)) return;
    this.memory.assertLockHeld(n + NODE_LIST_LOCK);
    listDel(this.memory, page + PAGE_LRU);
  }

  /** All partial slabs, head first. Needs list_lock. */
  partialSlabs(n: KmemCacheNodePtr): PagePtr[] {
    this.memory.assertLockHeld(n + NODE_LIST_LOCK);
    return this.slabsOn(n + NODE_PARTIAL);
  }

  /** The full slabs, where the cache lists them. Needs list_lock. */
  fullSlabs(s: KmemCachePtr, n: KmemCacheNodePtr): PagePtr[] {
    if (!this.context.keepsFullList(s)) return [];
    this.memory.assertLockHeld(n + NODE_LIST_LOCK);
    return this.slabsOn(n + NODE_FULL);
  }

  private slabsOn(head: Address): PagePtr[] {
    const pages: PagePtr[] = [];
    for (let at = this.memory.read32(head); at !== head; at = this.memory.read32(at)) {
      pages.push(at - PAGE_LRU);
    }
    return pages;
  }

  /** First slab of the list, or 0; with `gfp`, of those that may serve that request. Needs list_lock. */
  first(n: KmemCacheNodePtr, _gfp?: number): PagePtr {
    return this.after(n, n + NODE_PARTIAL);
  }

  /** The slab behind `page`, or 0; likewise. */
  next(n: KmemCacheNodePtr, page: PagePtr, _gfp?: number): PagePtr {
    return this.after(n, page + PAGE_LRU);
  }

  private after(n: KmemCacheNodePtr, entry: Address): PagePtr {
    this.memory.assertLockHeld(n + NODE_LIST_LOCK);
    const next = this.memory.read32(entry);
    return next === n + NODE_PARTIAL ? 0 : next - PAGE_LRU;
  }
}
