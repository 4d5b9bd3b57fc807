/**
 * The lists of a node: slabs with free objects that no CPU owns (partial), and, where users are
 * tracked, full ones. Owned by list_lock, which is held with interrupts off; nrPartial is also read
 * without it, as a hint.
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
import { freeOf, objectsOf, withFrozen, withInuse } from "./counters.ts";
import type { PageSwap } from "./page-swap.ts";
import type { SlubContext } from "./slub-context.ts";
import { KmemCache, KmemCacheNode, type KmemCacheNodePtr, type KmemCachePtr } from "./structs.ts";

export class NodePartial {
  protected readonly context: SlubContext;
  protected readonly memory: Memory;
  protected readonly pageSwap: PageSwap;

  constructor(context: SlubContext, pageSwap: PageSwap) {
    this.context = context;
    this.memory = context.memory;
    this.pageSwap = pageSwap;
  }

  /** init_kmem_cache_node */
  init(n: KmemCacheNodePtr): void {
    const { memory } = this;
    initSpinLock(memory, n + KmemCacheNode.listLock);
    memory.write32(n + KmemCacheNode.nrPartial, 0);
    initListHead(memory, n + KmemCacheNode.partial);
    memory.write32(n + KmemCacheNode.nrSlabs, 0);
    memory.write32(n + KmemCacheNode.totalObjects, 0);
    initListHead(memory, n + KmemCacheNode.full);
  }

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

  /** n->nr_partial: exact under the lock, a hint without it. */
  nrPartial(n: KmemCacheNodePtr): number {
    return this.memory.readOnce(n + KmemCacheNode.nrPartial);
  }

  /** Whether an empty slab goes back instead of being listed. Without the lock a hint, too. */
  hasEnough(s: KmemCachePtr, n: KmemCacheNodePtr): boolean {
    return this.nrPartial(n) >= this.memory.readOnce(s + KmemCache.minPartial);
  }

  /** add_partial, at the head or the tail. Needs list_lock. */
  add(n: KmemCacheNodePtr, page: PagePtr, tail: boolean): void {
    const { memory } = this;
    memory.writeOnce(n + KmemCacheNode.nrPartial, memory.read32(n + KmemCacheNode.nrPartial) + 1);
    if (tail) listAddTail(memory, page + Page.lru, n + KmemCacheNode.partial);
    else listAdd(memory, page + Page.lru, n + KmemCacheNode.partial);
  }

  /** remove_partial. Needs list_lock. */
  remove(n: KmemCacheNodePtr, page: PagePtr): void {
    const { memory } = this;
    listDel(memory, page + Page.lru);
    memory.writeOnce(n + KmemCacheNode.nrPartial, memory.read32(n + KmemCacheNode.nrPartial) - 1);
  }

  /** add_full. Needs list_lock. */
  addFull(s: KmemCachePtr, n: KmemCacheNodePtr, page: PagePtr): void {
    if (!this.context.keepsFullList(s)) return;
    listAdd(this.memory, page + Page.lru, n + KmemCacheNode.full);
  }

  /** remove_full. Needs list_lock. */
  removeFull(s: KmemCachePtr, page: PagePtr): void {
    if (this.context.keepsFullList(s)) listDel(this.memory, page + Page.lru);
  }

  /** All partial slabs, head first. Needs list_lock. */
  partialSlabs(n: KmemCacheNodePtr): PagePtr[] {
    return this.slabsOn(n + KmemCacheNode.partial);
  }

  /** The full slabs, where the cache lists them. Needs list_lock. */
  fullSlabs(s: KmemCachePtr, n: KmemCacheNodePtr): PagePtr[] {
    return this.context.keepsFullList(s) ? this.slabsOn(n + KmemCacheNode.full) : [];
  }

  private slabsOn(head: Address): PagePtr[] {
    const pages: PagePtr[] = [];
    for (let at = this.memory.read32(head); at !== head; at = this.memory.read32(at)) {
      pages.push(at - Page.lru);
    }
    return pages;
  }

  /** First slab of the list, or 0. Needs list_lock. */
  first(n: KmemCacheNodePtr): PagePtr {
    return this.after(n, n + KmemCacheNode.partial);
  }

  /** The slab behind `page`, or 0. Needs list_lock. */
  next(n: KmemCacheNodePtr, page: PagePtr): PagePtr {
    return this.after(n, page + Page.lru);
  }

  private after(n: KmemCacheNodePtr, entry: Address): PagePtr {
    const next = this.memory.read32(entry);
    return next === n + KmemCacheNode.partial ? 0 : next - Page.lru;
  }

  /**
   * acquire_slab: freezes a listed slab for this CPU and takes it off the list; false if a remote
   * free came between reading and swapping. With `forAllocation` all its free objects are taken at
   * once. Needs list_lock.
   */
  acquire(s: KmemCachePtr, n: KmemCacheNodePtr, page: PagePtr, forAllocation: boolean): Acquired {
    const { memory } = this;
    const freelist = memory.readOnce(page + Page.freelist);
    const counters = memory.readOnce(page + Page.counters);
    const taken = forAllocation ? withInuse(counters, objectsOf(counters)) : counters;
    if (
      !this.pageSwap.swap(
        s,
        page,
        freelist,
        counters,
        forAllocation ? 0 : freelist,
        withFrozen(taken, true),
      )
    ) {
      return NOT_ACQUIRED;
    }
    this.remove(n, page);
    return { freelist, objects: freeOf(counters) };
  }
}

/** What acquire got: the head of the slab's free objects (0: nothing) and how many they are. */
export interface Acquired {
  readonly freelist: Address;
  readonly objects: number;
}

const NOT_ACQUIRED: Acquired = { freelist: 0, objects: 0 };
