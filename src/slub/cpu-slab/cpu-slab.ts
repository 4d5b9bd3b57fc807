// SPDX-License-Identifier: GPL-2.0-only
/**
 * The owner of struct kmem_cache_cpu: the slab a CPU allocates from (page), the private list of that
 * slab's free objects (freelist), the list of further slabs (partial), and tid. Only this file writes
 * them, besides the two fast paths (slub.ts), which swap (freelist, tid) in one step, and the push on
 * `partial` (cpu-partial.ts), a this-CPU swap as well. All other writes are made by the CPU itself
 * with interrupts off, or for a CPU that is absent.
 *
 * tid moves whenever a fast path that has read the words, and was then interrupted, must start again:
 *
 *     fast alloc, fast free   by their swap
 *     load                    the CPU has another list: remote frees, a partial slab, a new slab
 *     drop                    the CPU has no slab any more (missing until 2022: eeaa345e1285)
 *     bulk allocation         it pops by plain stores, so tid moves before an interrupt can look
 *
 * Every write is marked. A task that was moved to another CPU between two steps of a fast path still
 * reads these words of the CPU it left; its swap then fails. flush_all and sysfs read page and
 * partial from other CPUs.
 */
import type { Address, Memory } from "../../machine/memory.ts";
import { Page, type PagePtr } from "../../pages/page.ts";
import type { FreePointers } from "../free-pointers.ts";
import type { SlubContext } from "../slub-context.ts";
import {
  KmemCache,
  KmemCacheCpu,
  type KmemCacheCpuPtr,
  type KmemCachePtr,
  nextTid,
} from "../structs.ts";

const CACHE_CPU_SLAB = KmemCache.cpuSlab;
const CPU_FREELIST = KmemCacheCpu.freelist;
const CPU_PAGE = KmemCacheCpu.page;
const CPU_PARTIAL = KmemCacheCpu.partial;
const CPU_TID = KmemCacheCpu.tid;
const PAGE_NEXT = Page.next;

export class CpuSlab {
  declare protected readonly memory: Memory;
  declare protected readonly freePointers: FreePointers;

  constructor(parts: { readonly context: SlubContext; readonly freePointers: FreePointers }) {
    this.memory = parts.context.memory;
    this.freePointers = parts.freePointers;
  }

  /** init_tid: each CPU's tid starts with its own number. */
  init(c: KmemCacheCpuPtr, cpu: number): void {
    this.memory.storeRelease(c + CPU_TID, cpu);
  }

  /** The struct of the CPU this runs on; stale as soon as interrupts are on. */
  here(s: KmemCachePtr): KmemCacheCpuPtr {
    return this.memory.thisCpuPtr(this.memory.read32(s + CACHE_CPU_SLAB));
  }

  page(c: KmemCacheCpuPtr): PagePtr {
    return this.memory.read32(c + CPU_PAGE);
  }

  freelist(c: KmemCacheCpuPtr): Address {
    return this.memory.read32(c + CPU_FREELIST);
  }

  /** A frozen slab becomes this CPU's. Its objects follow by `load`. */
  install(c: KmemCacheCpuPtr, page: PagePtr): void {
    this.memory.writeOnce(c + CPU_PAGE, page);
  }

  /** The first slab of the cpu partial list becomes this CPU's, its private list empty; or 0. */
  installPartial(c: KmemCacheCpuPtr): PagePtr {
    const { memory } = this;
    const page = memory.read32(c + CPU_PARTIAL);
    if (page === 0) return 0;
    this.install(c, page);
    memory.writeOnce(c + CPU_PARTIAL, memory.readOnce(page + PAGE_NEXT));
    this.setFreelist(c, 0);
    return page;
  }

  /** Takes the first slab off the cpu partial list, or 0. */
  popPartial(c: KmemCacheCpuPtr): PagePtr {
    const { memory } = this;
    const page = memory.readOnce(c + CPU_PARTIAL);
    if (page !== 0) memory.writeOnce(c + CPU_PARTIAL, memory.readOnce(page + PAGE_NEXT));
    return page;
  }

  partial(c: KmemCacheCpuPtr): PagePtr {
    return this.memory.readOnce(c + CPU_PARTIAL);
  }

  setPartial(c: KmemCacheCpuPtr, page: PagePtr): void {
    this.memory.writeOnce(c + CPU_PARTIAL, page);
  }

  /** load_freelist: the first object is the caller's, the rest the private list. */
  load(s: KmemCachePtr, c: KmemCacheCpuPtr, freelist: Address): Address {
    this.setFreelist(c, this.freePointers.get(s, freelist));
    this.bumpTid(c);
    return freelist;
  }

  /** Takes an object off the private list by plain steps, or 0. The caller moves tid (bumpTid). */
  pop(s: KmemCachePtr, c: KmemCacheCpuPtr): Address {
    const object = this.freelist(c);
    if (object !== 0) this.setFreelist(c, this.freePointers.get(s, object));
    return object;
  }

  /**
   * The slow path has given the slab up. tid moves: a free on this CPU that was interrupted after it
   * saw the slab here must not push onto a list without an owner.
   */
  drop(c: KmemCacheCpuPtr): void {
    this.dropFlushed(c);
  }

  /** The same after a flush, where the kernel has moved tid from the start. */
  dropFlushed(c: KmemCacheCpuPtr): void {
    this.bumpTid(c);
    this.clear(c);
  }

  protected clear(c: KmemCacheCpuPtr): void {
    this.install(c, 0);
    this.setFreelist(c, 0);
  }

  bumpTid(c: KmemCacheCpuPtr): void {
    this.setTid(c, nextTid(this.memory.read32(c + CPU_TID)));
  }

  protected setFreelist(c: KmemCacheCpuPtr, freelist: Address): void {
    this.memory.writeOnce(c + CPU_FREELIST, freelist);
  }

  protected setTid(c: KmemCacheCpuPtr, tid: number): void {
    this.memory.writeOnce(c + CPU_TID, tid);
  }
}
