// SPDX-License-Identifier: GPL-2.0-only
/**
 * The cpu partial list: frozen slabs with a few free objects, kept by the CPU that froze them so
 * that it need not go to the node. Owned by the CPU: pushed with interrupts on by a this-CPU swap,
 * popped and drained with interrupts off. page->next chains them; the head holds how many slabs and
 * free objects the chain had when each was pushed. Both are estimates: remote frees add objects, and a
 * push reads the counts of the head before it swaps it (see `push`). They only decide when the list is
 * drained.
 */
import type { Memory } from "../../machine/memory.ts";
import { Page, type PagePtr } from "../../pages/page.ts";
import { freeOf, inuseOf, withFrozen } from "../counters.ts";
import { ADD_TO_TAIL, type NodePartial } from "../node-partial.ts";
import type { PageSwap } from "../page-swap.ts";
import type { SlabPages } from "../slab-pages.ts";
import type { SlubContext } from "../slub-context.ts";
import { CPU_PARTIAL_DRAIN, DEACTIVATE_EMPTY, FREE_ADD_PARTIAL, FREE_SLAB } from "../statistics.ts";
import {
  KmemCache,
  KmemCacheCpu,
  type KmemCacheCpuPtr,
  type KmemCacheNodePtr,
  type KmemCachePtr,
} from "../structs.ts";
import type { CpuSlab } from "./cpu-slab.ts";

const CACHE_CPU_SLAB = KmemCache.cpuSlab;
const CACHE_CPU_PARTIAL = KmemCache.cpuPartial;
const CPU_PARTIAL = KmemCacheCpu.partial;
const PAGE_FREELIST = Page.freelist;
const PAGE_COUNTERS = Page.counters;
const PAGE_NEXT = Page.next;
const PAGE_PAGES = Page.pages;
const PAGE_POBJECTS = Page.pobjects;

export interface CpuPartialParts {
  readonly context: SlubContext;
  readonly pageSwap: PageSwap;
  readonly nodePartial: NodePartial;
  readonly slabPages: SlabPages;
  readonly cpuSlab: CpuSlab;
}

export class CpuPartial {
  declare protected readonly context: SlubContext;
  declare protected readonly memory: Memory;
  declare protected readonly pageSwap: PageSwap;
  declare protected readonly nodePartial: NodePartial;
  declare protected readonly slabPages: SlabPages;
  declare protected readonly cpuSlab: CpuSlab;

  constructor(parts: CpuPartialParts) {
    this.context = parts.context;
    this.memory = parts.context.memory;
    this.pageSwap = parts.pageSwap;
    this.nodePartial = parts.nodePartial;
    this.slabPages = parts.slabPages;
    this.cpuSlab = parts.cpuSlab;
  }

  /**
   * put_cpu_partial: pushes a slab this CPU has just frozen. A list that holds too many free objects
   * goes to the nodes first.
   */
  put(s: KmemCachePtr, page: PagePtr): void {
    const { memory } = this;
    memory.preemptDisable();
    const partial = memory.read32(s + CACHE_CPU_SLAB) + CPU_PARTIAL;
    for (;;) {
      let head = memory.thisCpuRead(partial);
      if (head !== 0 && this.isOverfull(s, head)) {
        this.drain(s);
        this.context.stat(s, CPU_PARTIAL_DRAIN);
        head = 0;
      }
      this.linkBefore(page, head);
      if (this.push(partial, head, page)) break;
    }
    if (this.keepsNone(s)) this.drain(s);
    memory.preemptEnable();
  }

  /**
   * The same with a list_lock held, so that nothing may be drained. Interrupts are off; the flush that
   * follows a limit of 0 comes when they are on again.
   */
  putLocked(s: KmemCachePtr, page: PagePtr): void {
    const { memory } = this;
    memory.preemptDisable();
    const partial = memory.read32(s + CACHE_CPU_SLAB) + CPU_PARTIAL;
    for (;;) {
      const head = memory.thisCpuRead(partial);
      this.linkBefore(page, head);
      if (this.push(partial, head, page)) break;
    }
    memory.preemptEnable();
  }

  private isOverfull(s: KmemCachePtr, head: PagePtr): boolean {
    const { memory } = this;
    return memory.readOnce(head + PAGE_POBJECTS) > memory.readOnce(s + CACHE_CPU_PARTIAL);
  }

  /**
   * Whether the list of a quiet CPU, head first, has come about within its limit: a slab is pushed only
   * on a list that is not too long yet. It is compared here, apart from the push that it checks.
   */
  isWithinLimit(s: KmemCachePtr, list: readonly PagePtr[], _inTurn: boolean): boolean {
    if (this.keepsNone(s)) return list.length === 0;
    const { memory } = this;
    const limit = memory.readOnce(s + CACHE_CPU_PARTIAL);
    return list.slice(1).every((page) => memory.readOnce(page + PAGE_POBJECTS) <= limit);
  }

  /**
   * A cache with a limit of 0 keeps no slab here. The writer of that limit flushed every CPU after
   * it, so a push that comes after that flush sees the limit (d6e0b7fa1186).
   */
  protected keepsNone(s: KmemCachePtr): boolean {
    return this.memory.readOnce(s + CACHE_CPU_PARTIAL) === 0;
  }

  private linkBefore(page: PagePtr, head: PagePtr): void {
    const { memory } = this;
    const pages = head === 0 ? 0 : memory.readOnce(head + PAGE_PAGES);
    const pobjects = head === 0 ? 0 : memory.readOnce(head + PAGE_POBJECTS);
    memory.writeOnce(page + PAGE_PAGES, pages + 1);
    memory.writeOnce(
      page + PAGE_POBJECTS,
      pobjects + freeOf(memory.readOnce(page + PAGE_COUNTERS)),
    );
    memory.writeOnce(page + PAGE_NEXT, head);
  }

  /**
   * this_cpu_cmpxchg: an interrupt may have pushed or drained since `head` was read. If it has used the
   * head up and pushed it again, the swap succeeds: the link is right, but `page` carries the counts of
   * the list as it was. Linux 5.15 turns interrupts off around both steps (e0a043aa4145).
   */
  protected push(partial: number, head: PagePtr, page: PagePtr): boolean {
    return this.memory.thisCpuCmpxchg(partial, head, page) === head;
  }

  protected drain(s: KmemCachePtr): void {
    const { memory } = this;
    const flags = memory.irqSave();
    this.unfreeze(s, this.cpuSlab.here(s));
    memory.irqRestore(flags);
  }

  /**
   * unfreeze_partials: gives all slabs of the list to their nodes; empty ones that the node does not
   * want are discarded after the last lock is dropped. Interrupts are off, or `c` is an absent CPU's.
   */
  unfreeze(s: KmemCachePtr, c: KmemCacheCpuPtr): void {
    const { memory, nodePartial } = this;
    let locked: KmemCacheNodePtr = 0;
    let discarded: PagePtr = 0;
    for (;;) {
      const page = this.cpuSlab.popPartial(c);
      if (page === 0) break;
      const n = this.context.nodeOfPage(s, page);
      if (n !== locked) {
        if (locked !== 0) nodePartial.unlock(locked);
        locked = n;
        nodePartial.lock(n);
      }
      if (this.unfreezeOne(s, n, page)) {
        memory.writeOnce(page + PAGE_NEXT, discarded);
        discarded = page;
      }
    }
    if (locked !== 0) nodePartial.unlock(locked);
    this.discardAll(s, discarded);
  }

  /** With list_lock: unfreezes a slab and lists it. True: it is empty, and to be discarded instead. */
  protected unfreezeOne(s: KmemCachePtr, n: KmemCacheNodePtr, page: PagePtr): boolean {
    const counters = this.clearFrozen(s, page);
    if (inuseOf(counters) === 0 && this.nodePartial.hasEnough(s, n)) return true;
    this.nodePartial.add(n, page, ADD_TO_TAIL);
    this.context.stat(s, FREE_ADD_PARTIAL);
    return false;
  }

  /** Clears frozen, while other CPUs may push; returns the new counters. */
  protected clearFrozen(s: KmemCachePtr, page: PagePtr): number {
    const { memory } = this;
    for (;;) {
      const freelist = memory.readOnce(page + PAGE_FREELIST);
      const counters = memory.readOnce(page + PAGE_COUNTERS);
      const unfrozen = withFrozen(counters, false);
      if (this.pageSwap.swap(s, page, freelist, counters, freelist, unfrozen)) return unfrozen;
    }
  }

  protected discardAll(s: KmemCachePtr, first: PagePtr): void {
    for (let page = first; page !== 0; ) {
      const next = this.memory.readOnce(page + PAGE_NEXT);
      this.context.stat(s, DEACTIVATE_EMPTY);
      this.slabPages.discard(s, page);
      this.context.stat(s, FREE_SLAB);
      page = next;
    }
  }
}
