/**
 * A CPU gives its slab up: the private list goes back to page->freelist, frozen is cleared, and the
 * slab goes where it now belongs: full (no list), partial, or back to the page allocator.
 */
import type { Address, Memory } from "../../machine/memory.ts";
import { Page, type PagePtr } from "../../pages/page.ts";
import { inuseOf, withFrozen, withInuse } from "../counters.ts";
import type { FreePointers } from "../free-pointers.ts";
import type { NodePartial } from "../node-partial.ts";
import type { PageSwap } from "../page-swap.ts";
import type { SlabPages } from "../slab-pages.ts";
import type { SlubContext } from "../slub-context.ts";
import {
  CPUSLAB_FLUSH,
  DEACTIVATE_EMPTY,
  DEACTIVATE_FULL,
  DEACTIVATE_REMOTE_FREES,
  DEACTIVATE_TO_HEAD,
  DEACTIVATE_TO_TAIL,
  FREE_SLAB,
} from "../statistics.ts";
import {
  KmemCache,
  KmemCacheCpu,
  type KmemCacheCpuPtr,
  type KmemCacheNodePtr,
  type KmemCachePtr,
  nextTid,
} from "../structs.ts";
import type { CpuPartial } from "./cpu-partial.ts";

const PAGE_FREELIST = Page.freelist;
const PAGE_COUNTERS = Page.counters;
const CPU_PAGE = KmemCacheCpu.page;
const CPU_FREELIST = KmemCacheCpu.freelist;
const CPU_TID = KmemCacheCpu.tid;
const CACHE_CPU_SLAB = KmemCache.cpuSlab;
const CPU_PARTIAL = KmemCacheCpu.partial;

/** Where a slab lies while it is being deactivated (enum slab_modes). */
const M_NONE = 0;
const M_PARTIAL = 1;
const M_FULL = 2;
const M_FREE = 3;
type SlabMode = typeof M_NONE | typeof M_PARTIAL | typeof M_FULL | typeof M_FREE;

export class Deactivation {
  declare protected readonly context: SlubContext;
  declare protected readonly memory: Memory;
  declare protected readonly freePointers: FreePointers;
  declare protected readonly pageSwap: PageSwap;
  declare protected readonly nodePartial: NodePartial;
  declare protected readonly slabPages: SlabPages;
  declare protected readonly cpuPartial: CpuPartial;
  /** Number of the inter-processor call that flushes the CPU it runs on. */
  declare private readonly flushCpuSlab: number;

  constructor(
    context: SlubContext,
    freePointers: FreePointers,
    pageSwap: PageSwap,
    nodePartial: NodePartial,
    slabPages: SlabPages,
    cpuPartial: CpuPartial,
  ) {
    this.context = context;
    this.memory = context.memory;
    this.freePointers = freePointers;
    this.pageSwap = pageSwap;
    this.nodePartial = nodePartial;
    this.slabPages = slabPages;
    this.cpuPartial = cpuPartial;
    this.flushCpuSlab = context.machine.functions.register((s) => this.flushThisCpu(s));
  }

  /**
   * deactivate_slab: interrupts are off; `page` is frozen and this CPU's, `freelist` its private
   * list. Whoever calls forgets both afterwards (dropCpuSlab).
   */
  deactivate(s: KmemCachePtr, page: PagePtr, freelist: Address): void {
    const hadRemoteFrees = this.memory.readOnce(page + PAGE_FREELIST) !== 0;
    if (hadRemoteFrees) this.context.stat(s, DEACTIVATE_REMOTE_FREES);
    const last = this.returnAllButLast(s, page, freelist);
    this.unfreeze(s, page, last, hadRemoteFrees);
  }

  /**
   * Stage one: pushes the private list back, object by object, while the slab stays frozen; so no
   * lock is needed. Returns the last object, or 0 where the list was empty.
   */
  protected returnAllButLast(s: KmemCachePtr, page: PagePtr, freelist: Address): Address {
    let object = freelist;
    while (object !== 0) {
      const next = this.freePointers.get(s, object);
      if (next === 0) return object;
      this.pushBack(s, page, object);
      object = next;
    }
    return 0;
  }

  private pushBack(s: KmemCachePtr, page: PagePtr, object: Address): void {
    const { memory } = this;
    for (;;) {
      const prior = memory.readOnce(page + PAGE_FREELIST);
      const counters = memory.readOnce(page + PAGE_COUNTERS);
      this.freePointers.set(s, object, prior);
      const fewer = withInuse(counters, inuseOf(counters) - 1);
      if (this.pageSwap.swap(s, page, prior, counters, object, fewer)) return;
    }
  }

  /**
   * Stage two: one swap returns the last object and clears frozen. The list operation that goes with
   * it is done before, under list_lock, and undone if the swap fails and the slab now belongs
   * elsewhere; the lock is kept between tries. A slab is thus listed for a moment while it is still
   * frozen, which nobody can see without the lock.
   */
  protected unfreeze(s: KmemCachePtr, page: PagePtr, last: Address, tail: boolean): void {
    const { memory, nodePartial } = this;
    const n = this.context.nodeOfPage(s, page);
    let locked = false;
    let placed: SlabMode = M_NONE;
    for (;;) {
      const oldFreelist = memory.readOnce(page + PAGE_FREELIST);
      const oldCounters = memory.readOnce(page + PAGE_COUNTERS);
      let counters = oldCounters;
      let freelist = oldFreelist;
      if (last !== 0) {
        counters = withInuse(counters, inuseOf(counters) - 1);
        this.freePointers.set(s, last, oldFreelist);
        freelist = last;
      }
      counters = withFrozen(counters, false);

      const mode = this.modeOf(s, n, freelist, counters);
      if (!locked && this.needsLock(s, mode)) {
        locked = true;
        nodePartial.lock(n);
      }
      if (mode !== placed) {
        this.undo(s, n, page, placed);
        this.place(s, n, page, mode, tail);
      }
      placed = mode;
      if (this.pageSwap.swap(s, page, oldFreelist, oldCounters, freelist, counters)) break;
    }
    if (locked) nodePartial.unlock(n);
    if (placed === M_FREE) {
      this.context.stat(s, DEACTIVATE_EMPTY);
      this.slabPages.discard(s, page);
      this.context.stat(s, FREE_SLAB);
    }
  }

  private modeOf(
    s: KmemCachePtr,
    n: KmemCacheNodePtr,
    freelist: Address,
    counters: number,
  ): SlabMode {
    if (inuseOf(counters) === 0 && this.nodePartial.hasEnough(s, n)) return M_FREE;
    return freelist !== 0 ? M_PARTIAL : M_FULL;
  }

  private needsLock(s: KmemCachePtr, mode: SlabMode): boolean {
    return mode === M_PARTIAL || (mode === M_FULL && this.context.isDebug(s));
  }

  private undo(s: KmemCachePtr, n: KmemCacheNodePtr, page: PagePtr, placed: SlabMode): void {
    if (placed === M_PARTIAL) this.nodePartial.remove(n, page);
    else if (placed === M_FULL) this.nodePartial.removeFull(s, page);
  }

  private place(
    s: KmemCachePtr,
    n: KmemCacheNodePtr,
    page: PagePtr,
    mode: SlabMode,
    tail: boolean,
  ): void {
    if (mode === M_PARTIAL) {
      this.nodePartial.add(n, page, tail);
      this.context.stat(s, tail ? DEACTIVATE_TO_TAIL : DEACTIVATE_TO_HEAD);
    } else if (mode === M_FULL) {
      this.context.stat(s, DEACTIVATE_FULL);
      this.nodePartial.addFull(s, n, page);
    }
  }

  /**
   * The CPU owns no slab any more. tid moves on: a free on this CPU that was interrupted after it
   * saw the slab here must not push onto a list that is nobody's (eeaa345e1285).
   */
  dropCpuSlab(c: KmemCacheCpuPtr): void {
    this.bumpTid(c);
    this.clearCpuSlab(c);
  }

  protected clearCpuSlab(c: KmemCacheCpuPtr): void {
    this.memory.writeOnce(c + CPU_PAGE, 0);
    this.memory.write32(c + CPU_FREELIST, 0);
  }

  protected bumpTid(c: KmemCacheCpuPtr): void {
    this.memory.write32(c + CPU_TID, nextTid(this.memory.read32(c + CPU_TID)));
  }

  /** flush_slab: interrupts are off, `c` has a slab. */
  flushSlab(s: KmemCachePtr, c: KmemCacheCpuPtr): void {
    const { memory } = this;
    this.context.stat(s, CPUSLAB_FLUSH);
    this.deactivate(s, memory.read32(c + CPU_PAGE), memory.read32(c + CPU_FREELIST));
    // As in dropCpuSlab; the kernel has bumped tid here from the start.
    this.bumpTid(c);
    this.clearCpuSlab(c);
  }

  /** __flush_cpu_slab: `c` is this CPU's with interrupts off, or that of a CPU that is absent. */
  flushCpu(s: KmemCachePtr, c: KmemCacheCpuPtr): void {
    if (this.memory.read32(c + CPU_PAGE) !== 0) this.flushSlab(s, c);
    this.cpuPartial.unfreeze(s, c);
  }

  /** flush_cpu_slab: runs on the CPU that is flushed, interrupts off. */
  protected flushThisCpu(s: KmemCachePtr): void {
    this.flushCpu(s, this.memory.thisCpuPtr(this.memory.read32(s + CACHE_CPU_SLAB)));
  }

  /** has_cpu_slab: read from afar and stale at once, which is enough to spare an idle CPU a call. */
  protected hasCpuSlab(s: KmemCachePtr, cpu: number): boolean {
    const { memory } = this;
    const c = memory.perCpuPtr(memory.read32(s + CACHE_CPU_SLAB), cpu);
    return memory.readOnce(c + CPU_PAGE) !== 0 || memory.readOnce(c + CPU_PARTIAL) !== 0;
  }

  /** flush_all: every CPU gives its slabs of the cache up, each by itself. Interrupts are on. */
  flushAll(s: KmemCachePtr): void {
    this.context.machine.calls.callOnEach((cpu) => this.hasCpuSlab(s, cpu), this.flushCpuSlab, s);
  }
}
