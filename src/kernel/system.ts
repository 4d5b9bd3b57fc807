// SPDX-License-Identifier: GPL-2.0-only
/**
 * One machine with an allocator on it, as one thread sees it through its memory: everything below,
 * put together, and the calls a program makes. Every thread builds the same system in the same
 * order; only the first boots it.
 *
 * Nothing here knows which kind of memory it stands on. Calls run as the CPU the memory is; taking
 * CPUs is the business of the caller (see kernel.ts).
 */

import { getOrder, KMALLOC_MAX_SIZE } from "../caches/alignment.ts";
import type { Allocator, SheafArgs, SheafCalls } from "../caches/allocator.ts";
import type { BootParameters } from "../caches/boot-parameters.ts";
import { faultsOf } from "../caches/fault-injection.ts";
import type { BuildOption } from "../caches/flags.ts";
import { type KernelVersion, since } from "../caches/kernel-version.ts";
import { ZERO_SIZE_PTR } from "../caches/kmalloc-sizes.ts";
import { KmemCacheBase, type KmemCachePtr, LIVE_CACHE } from "../caches/kmem-cache.ts";
import type { LiveObjects } from "../caches/live-objects.ts";
import type { Observer } from "../caches/observer.ts";
import type { SlabCommon } from "../caches/slab-common.ts";
import { KernelBug } from "../machine/kernel-bug.ts";
import { Machine, type MachineOptions, NO_GROWTH, PAGE_SIZE } from "../machine/machine.ts";
import type { Address, Memory } from "../machine/memory.ts";
import { isInt32, named } from "../machine/option-check.ts";
import { NUMA_NO_NODE } from "../machine/topology.ts";
import {
  __GFP_ACCOUNT,
  __GFP_COMP,
  __GFP_DMA,
  __GFP_RECLAIMABLE,
  __GFP_THISNODE,
  __GFP_ZERO,
  GFP_KERNEL,
} from "../pages/gfp.ts";
import { Page, PG_ALLOCATED, PG_HEAD, PG_SLAB } from "../pages/page.ts";
import type { Pages } from "../pages/pages.ts";
import { allocatorOf, type SystemClasses } from "./classes.ts";
import { Hotplug } from "./hotplug.ts";
import { KfreeRcu } from "./kfree-rcu.ts";

// Local names: see machine/inlining.ts.
const SLAB_CACHE = Page.slabCache;
const PAGE_FLAGS = Page.flags;
const IS_SLAB = PG_SLAB;
const KERNEL = GFP_KERNEL;
const NO_NODE = NUMA_NO_NODE;
const GFP_DMA = __GFP_DMA;
/** Flags that kernels have caches of their own for. */
const RARE = __GFP_DMA | __GFP_RECLAIMABLE | __GFP_ACCOUNT;
const GFP_ZERO = __GFP_ZERO;
const ZERO_SIZE = ZERO_SIZE_PTR;

/** What every thread must agree on. `classes`: the table of that kernel, changed or not. */
export interface SystemOptions {
  /** Build options; none where left out. */
  readonly config?: readonly BuildOption[];
  readonly kernel: KernelVersion;
  readonly parameters: BootParameters;
  readonly classes: SystemClasses;
}

/** What a cache may have besides a name and a size: bytes, flags, the number of a constructor. */
export interface CacheOptions extends SheafArgs {
  readonly align?: number;
  readonly flags?: number;
  readonly ctor?: number;
  /** The part of an object that `view8` and the others may show; all of it by default. */
  readonly useroffset?: number;
  readonly usersize?: number;
}

/** Objects that a sheaf may be asked for: more would not fit into the largest kmalloc. */
const LARGEST_SHEAF = KMALLOC_MAX_SIZE / 8;

function refuseSheafSize(call: string, size: number): void {
  if (isInt32(size) && size > 0 && size <= LARGEST_SHEAF) return;
  throw new KernelBug(
    "bad-access",
    `${call}: a sheaf holds 1 to ${LARGEST_SHEAF} objects, not ${named(size)}`,
  );
}

function powerOfTwo(least: number): number {
  return least > KMALLOC_MAX_SIZE ? least : 2 ** Math.ceil(Math.log2(least));
}

export class System {
  declare readonly memory: Memory;
  declare readonly machine: Machine;
  declare readonly pages: Pages;
  declare readonly common: SlabCommon;
  declare readonly allocator: Allocator;
  /** What watchers need of the allocator. */
  declare readonly observer: Observer;
  declare private readonly hotplug: Hotplug;
  declare private readonly rcuFrees: KfreeRcu;
  declare private readonly largestFromCache: number;
  /** Where objects can lie. */
  declare private readonly firstPage: Address;
  declare private readonly pageBytes: number;
  /** By size in words, rounded up: where the size's cache is entered. Sizes beyond are rare. */
  declare private readonly sizeClasses: readonly (Address | undefined)[];

  constructor(memory: Memory, machineOptions: MachineOptions, options: SystemOptions) {
    const { classes } = options;
    this.memory = memory;
    this.machine = new Machine(memory, machineOptions);
    this.pages = new classes.Pages(this.machine);
    this.common = new classes.SlabCommon({
      machine: this.machine,
      pages: this.pages,
      kernel: options.kernel,
      parameters: options.parameters,
      config: options.config,
      allocator: (common) => allocatorOf(common, classes),
    });
    faultsOf(this.pages)?.tellThrough(this.common);
    this.allocator = this.common.allocator;
    this.observer = this.common.observer;
    this.hotplug = new Hotplug(this.common);
    this.rcuFrees = new KfreeRcu(this.machine, (object) => this.kfree(object));
    this.firstPage = this.pages.firstAddress;
    this.pageBytes = this.pages.totalPages() * PAGE_SIZE;
    this.largestFromCache = 1 << this.allocator.kmallocShiftHigh;
    const debug = options.parameters.slubDebug;
    const noted = since(options.kernel, "6.1") && (debug.flags !== 0 || debug.lists.length > 0);
    this.sizeClasses = Array.from({ length: (2 * PAGE_SIZE) / 8 + 1 }, (_, words) =>
      words === 0 || noted
        ? undefined
        : this.common.kmallocSlot(this.allocator.kmallocIndexOf(words * 8)),
    );
  }

  /**
   * Brings pages and caches up. Once, by one thread, as any CPU. The memory of `absentNodes` is not
   * there yet; nodeOnline brings it.
   */
  boot(absentNodes: readonly number[] = []): void {
    this.pages.init();
    for (const nid of absentNodes) this.pages.isolate(nid);
    this.common.boot();
  }

  // ---- CPUs and memory that come and go ----

  /**
   * cpu_down: nobody runs as `cpu` from here on, and it holds nothing. Whoever runs there goes on as
   * another CPU after its present call. Waits for that, and for a grace period. 0, -EBUSY for the
   * last CPU, -EINVAL for one that is not online. May sleep.
   */
  cpuDown(cpu: number): number {
    return this.hotplug.cpuDown(cpu);
  }

  /** cpu_up: anybody may run as `cpu` again. 0, -EINVAL if it is online, -ENOMEM. May sleep. */
  cpuUp(cpu: number): number {
    return this.hotplug.cpuUp(cpu);
  }

  /**
   * offline_pages for all memory of a node: 0, or -EBUSY where pages are in use that empty slabs
   * cannot account for, and the node stays as it was. CPUs of the node go on with memory of others.
   * -EINVAL where it has none. May sleep.
   */
  nodeOffline(nid: number): number {
    return this.hotplug.nodeOffline(nid);
  }

  /** online_pages: the node's memory can be had. 0, -EINVAL if it could already, -ENOMEM. May sleep. */
  nodeOnline(nid: number): number {
    return this.hotplug.nodeOnline(nid);
  }

  /**
   * Brings the next part of a memory that may grow: its bytes, or 0 where all of it is there, or too
   * little is left to describe it. May sleep.
   */
  grow(): number {
    const { pages } = this;
    const { nodes, growth = NO_GROWTH } = this.machine.options;
    const before = pages.presentPages();
    let nid = nodes - growth.nodes;
    while (nid < nodes && pages.hasMemory(nid)) nid++;
    // Another thread may be faster, which is as good.
    if (nid < nodes) this.nodeOnline(nid);
    return (pages.presentPages() - before) * PAGE_SIZE;
  }

  onlineCpus(): number[] {
    return this.machine.presence.online();
  }

  // ---- RCU ----

  /**
   * kfree_rcu: gives the object back when every reader that may have found it before is done. Its
   * first 8 bytes are overwritten at once. For any object of at least that size.
   * @throws KernelBug where kfree would: once it is over, nobody is there to be told.
   */
  kfreeRcu(object: Address): void {
    if (object <= ZERO_SIZE) return;
    if (!this.isObject(object)) {
      throw new KernelBug("bad-access", `kfree_rcu: ${object} is no object`);
    }
    const s = this.cacheOf(object);
    const isCollected = s !== 0 && this.allocator.sheafCalls?.kfreeRcu(s, object) === true;
    if (!isCollected) this.rcuFrees.call(object);
  }

  /** Whether kfree would take it: in a slab, or the first byte of whole pages. */
  isObject(object: Address): boolean {
    if (!this.pages.virtAddrValid(object)) return false;
    const page = this.pages.virtToHeadPage(object);
    const flags = this.memory.readOnce(page + PAGE_FLAGS);
    if ((flags & IS_SLAB) !== 0) return true;
    return (flags & PG_HEAD) !== 0 && this.pages.pageAddress(page) === object;
  }

  rcuReadLock(): void {
    this.machine.rcu.readLock();
  }

  rcuReadUnlock(): void {
    this.machine.rcu.readUnlock();
  }

  /** synchronize_rcu: returns when every read-side section that began before is over. May sleep. */
  synchronizeRcu(): void {
    this.machine.rcu.synchronize();
  }

  /**
   * kvfree_rcu_barrier and rcu_barrier: returns when every callback queued before has run, and every
   * object given to kfreeRcu before has been freed. May sleep.
   */
  rcuBarrier(): void {
    const { common } = this;
    const { sheafCalls } = this.allocator;
    if (sheafCalls !== undefined) {
      common.withCpusStaying(() => common.withCaches((s) => sheafCalls.flushRcuSheaves(s)));
    }
    this.machine.rcu.barrier();
  }

  // ---- kmalloc ----

  /** kmalloc: `size` bytes, or 0. kmalloc(0) is ZERO_SIZE_PTR, which only kfree accepts. */
  kmalloc(size: number, gfp = KERNEL): Address {
    return this.kmallocNode(size, gfp, NO_NODE);
  }

  /** kmalloc_node */
  kmallocNode(size: number, gfp: number, node: number): Address {
    // A size beyond 32 bits would wrap around in the shift, and get an object far too small.
    const table =
      typeof size === "number" && size === (size | 0)
        ? this.sizeClasses[(size + 7) >>> 3]
        : undefined;
    if (table === undefined || (gfp & RARE) !== 0) return this.kmallocRare(size, gfp, node);
    return this.allocator.slabAllocNode(this.memory.read32(table), gfp, node);
  }

  /** Size 0 or none at all, whole pages, DMA memory; all sizes where debugging notes what was asked. */
  private kmallocRare(size: number, gfp: number, node: number): Address {
    if (typeof size !== "number" || !(size > 0)) return this.kmallocNothing(size);
    if (size > this.largestFromCache) return this.kmallocLarge(size, gfp, node);
    const index = this.allocator.kmallocIndexOf(size);
    const special = this.specialCache(index, gfp);
    if (special !== 0) return this.kmallocTrace(special, size, gfp, node);
    // A kernel without ZONE_DMA has no such caches, and the flag asks nothing of objects.
    return this.kmallocTrace(this.common.kmallocCache(index), size, gfp & ~GFP_DMA, node);
  }

  /** A negative size is one that is too large. @throws KernelBug for what is no number */
  private kmallocNothing(size: number): Address {
    if (size === 0) return ZERO_SIZE;
    if (typeof size === "number" && size < 0) return 0;
    throw new KernelBug("bad-access", `kmalloc: ${named(size)} is no number of bytes`);
  }

  /** kmalloc_type: the cache that the flags ask for, if this kernel has it; DMA before all else. */
  private specialCache(index: number, gfp: number): KmemCachePtr {
    const { common } = this;
    const dma = (gfp & GFP_DMA) !== 0 ? common.kmallocDmaCache(index) : 0;
    if (dma !== 0) return dma;
    if ((gfp & __GFP_RECLAIMABLE) !== 0) return common.kmallocReclaimCache(index);
    return (gfp & __GFP_ACCOUNT) !== 0 ? common.kmallocCgroupCache(index) : 0;
  }

  /**
   * kmalloc_trace: an object of a given cache, of which only `size` bytes are asked for. A debug
   * cache of 6.1 with SLAB_KMALLOC and SLAB_STORE_USER guards the rest.
   */
  kmallocTrace(s: KmemCachePtr, size: number, gfp = KERNEL, node = NO_NODE): Address {
    const object = this.allocator.slabAllocNode(s, gfp, node);
    if (object !== 0) this.allocator.noteRequested?.(s, object, size);
    return object;
  }

  /** kmalloc_large: whole pages. */
  private kmallocLarge(size: number, gfp: number, node: number): Address {
    const isHere = node === NO_NODE || (node >= 0 && node < this.machine.options.nodes);
    if (size > this.machine.options.memory || (!isHere && (gfp & __GFP_THISNODE) !== 0)) return 0;
    // As for objects, a node that the machine does not have is another.
    const nid = isHere ? node : NO_NODE;
    // A kernel gives no more than a block at a time; a program's frame or tensor may be larger.
    const page =
      size > KMALLOC_MAX_SIZE
        ? this.pages.allocRange(gfp, Math.ceil(size / PAGE_SIZE), nid)
        : this.pages.allocPages(gfp | __GFP_COMP, getOrder(size), nid);
    if (page === 0) return 0;
    const isAsked = (gfp & __GFP_ACCOUNT) !== 0;
    const mayHave = !isAsked || this.common.groups?.chargeBlock(page, gfp);
    if (mayHave === false) {
      this.pages.freeCompound(page);
      return 0;
    }
    const at = this.pages.pageAddress(page);
    this.common.kmemleak?.allocated(at);
    return at;
  }

  /**
   * kmalloc, at a multiple of `align`, a power of two up to 4 MiB. Caches of powers of two are aligned
   * unless something lies between their objects; whole pages always are.
   */
  kmallocAligned(size: number, align: number, gfp: number): Address {
    const object = align > PAGE_SIZE ? 0 : this.kmalloc(powerOfTwo(Math.max(size, align)), gfp);
    if (object !== 0 && object % align === 0) return object;
    this.kfree(object);
    // One page alone is no compound block, which kfree would know.
    return this.kmallocLarge(Math.max(size, align, 2 * PAGE_SIZE), gfp, NO_NODE);
  }

  /**
   * krealloc: keeps what fits; size 0 frees. 0 where there is no memory, and `object` is kept. With
   * __GFP_ZERO, bytes that were not asked for before are zero only as far as the kernel knows them: as
   * in Linux, an object that shrank and grows again shows old bytes before 6.13, except where a debug
   * cache of 6.1 notes what was asked for. Since 6.13 the rest is zeroed as the object shrinks.
   */
  krealloc(object: Address, size: number, gfp = KERNEL): Address {
    if (size === 0) {
      this.kfree(object);
      return ZERO_SIZE;
    }
    if (object <= ZERO_SIZE || !(size > 0)) return this.kmalloc(size, gfp);
    const asked = this.requestedSize(object);
    if (this.usable(object) >= size) {
      if ((gfp & GFP_ZERO) !== 0) this.zeroSpare(object, asked, size);
      this.noteRequested(object, size);
      return object;
    }
    const grown = this.kmalloc(size, gfp);
    if (grown === 0) return 0;
    this.memory.copy(grown, object, asked);
    this.kfree(object);
    return grown;
  }

  private zeroSpare(object: Address, asked: number, size: number): void {
    const { memory } = this;
    if (asked < size) memory.fill(object + asked, 0, size - asked);
    else if (since(this.common.kernel, "6.13")) {
      memory.fill(object + size, 0, this.usable(object) - size);
    }
  }

  /** Bytes that kmalloc was asked for, where that is noted; else those that may be used. */
  private requestedSize(object: Address): number {
    const s = this.cacheOf(object);
    return s === 0
      ? this.usable(object)
      : (this.allocator.requestedSize?.(s, object) ?? this.usable(object));
  }

  private noteRequested(object: Address, size: number): void {
    const s = this.cacheOf(object);
    if (s !== 0) this.allocator.noteRequested?.(s, object, size);
  }

  /** The cache of an object of kmalloc, 0 for whole pages. */
  private cacheOf(object: Address): KmemCachePtr {
    const page = this.pages.virtToHeadPage(object);
    const isSlab = (this.memory.readOnce(page + PAGE_FLAGS) & IS_SLAB) !== 0;
    return isSlab ? this.memory.read32(page + SLAB_CACHE) : 0;
  }

  /**
   * kfree: anything kmalloc, or any cache, has given. What the registry's kfree does for the
   * allocator itself is written out here, where it has to be fast.
   */
  kfree(object: Address): void {
    if (
      typeof object !== "number" ||
      object !== (object | 0) ||
      (object - this.firstPage) >>> 0 >= this.pageBytes
    ) {
      this.kfreeNothing(object);
      return;
    }
    const { memory } = this;
    const page = this.pages.virtToHeadPage(object);
    const flags = memory.readOnce(page + PAGE_FLAGS);
    if ((flags & IS_SLAB) !== 0) {
      this.allocator.slabFree(memory.read32(page + SLAB_CACHE), page, object);
    } else {
      this.kfreeOther(object);
    }
  }

  /** NULL and ZERO_SIZE_PTR, and what no page holds. */
  private kfreeNothing(object: Address): void {
    this.refuseGarbage(object);
    if (object < 0 || object > ZERO_SIZE)
      throw new KernelBug("bad-access", `kfree: 0x${object.toString(16)} is no object`);
  }

  /** Whole pages, or nothing that could be freed. */
  private kfreeOther(object: Address): void {
    this.common.kfree(object);
  }

  /**
   * ksize: bytes that may be used, at least what was asked for. The caller may use them from now on,
   * so a note of what was asked for no longer guards the rest (skip_orig_size_check).
   */
  ksize(object: Address): number {
    const bytes = this.usable(object);
    if (bytes !== 0) this.noteRequested(object, bytes);
    return bytes;
  }

  /** Bytes that a view of an object shows, where a program does not say how many. */
  viewableBytes(object: Address): number {
    return this.ksize(object);
  }

  protected usable(object: Address): number {
    if (object <= ZERO_SIZE) return 0;
    const page = this.pages.virtToHeadPage(object);
    const flags = this.memory.readOnce(page + Page.flags);
    if ((flags & IS_SLAB) === 0) return this.pages.blockBytes(page);
    return this.allocator.slabKsize(this.memory.read32(page + Page.slabCache));
  }

  // ---- caches ----

  kmemCacheCreate(name: string, size: number, options: CacheOptions = {}): KmemCachePtr {
    return this.common.kmemCacheCreate({ ...options, name, size });
  }

  kmemCacheAlloc(s: KmemCachePtr, gfp = KERNEL): Address {
    return this.kmemCacheAllocNode(s, gfp, NO_NODE);
  }

  kmemCacheAllocNode(s: KmemCachePtr, gfp: number, node: number): Address {
    return this.allocator.slabAllocNode(s, gfp, node);
  }

  kmemCacheFree(s: KmemCachePtr, object: Address): void {
    if (object !== (object | 0) || (object - this.firstPage) >>> 0 >= this.pageBytes) {
      this.refuseOwner(s, object);
    }
    const page = this.pages.virtToHeadPage(object);
    const owner = this.memory.read32(page + SLAB_CACHE);
    if (owner === s && s !== 0) this.allocator.slabFree(s, page, object);
    else this.freeStranger(s, object);
  }

  /** Of another cache: where the kernel notices it goes on its own way. @throws KernelBug */
  private freeStranger(s: KmemCachePtr, object: Address): void {
    const page = this.pages.virtToHeadPage(object);
    const owner = this.memory.read32(page + SLAB_CACHE);
    const to =
      owner !== 0 && this.isCache(s)
        ? this.allocator.cacheFromObj?.(s, owner, page, object)
        : undefined;
    if (to === undefined) this.refuseOwner(s, object, owner);
    if (to !== 0) this.allocator.slabFree(to, page, object);
  }

  /** Whether an address lies in a slab of the cache: one look at the page, for many objects. */
  isOf(s: KmemCachePtr, object: Address): boolean {
    if (!isInt32(object) || (object - this.firstPage) >>> 0 >= this.pageBytes) return false;
    const owner = this.memory.read32(this.pages.virtToHeadPage(object) + SLAB_CACHE);
    return owner === s && s !== 0;
  }

  /** cache_from_obj. @throws KernelBug */
  checkOwner(s: KmemCachePtr, object: Address): void {
    const owner = this.memory.read32(this.pages.virtToHeadPage(object) + SLAB_CACHE);
    if (owner !== s) this.refuseOwner(s, object, owner);
  }

  /** Whether a cache lies there that has been created and not destroyed. */
  isCache(s: KmemCachePtr): boolean {
    const isAddress = Number.isInteger(s) && s > 0 && s < this.machine.layout.end && (s & 7) === 0;
    // data_race: the memory may be anybody's by now.
    return isAddress && this.memory.readRacy(s + KmemCacheBase.magic) === (LIVE_CACHE ^ s);
  }

  private refuseOwner(s: KmemCachePtr, object: Address, owner: KmemCachePtr = 0): never {
    this.refuseGarbage(object);
    if (s === 0 || this.isCache(s)) this.common.wrongCache(s, owner, object);
    throw new KernelBug("wrong-slab", `kmem_cache_free: ${named(s)} is no cache`);
  }

  /** What is no number counts as an address of page 0, which is no slab. */
  private refuseGarbage(object: Address): void {
    if (isInt32(object)) return;
    throw new KernelBug("bad-access", `kfree: ${named(object)} is no object`);
  }

  /** kmem_cache_alloc_bulk: `size` objects into p, or 0 and none. */
  kmemCacheAllocBulk(s: KmemCachePtr, size: number, p: Address[], gfp = KERNEL): number {
    return size > 0 ? this.allocator.allocBulk(s, gfp, size, p) : 0;
  }

  /**
   * kmem_cache_free_bulk; with s = 0 each object goes to its own cache, and whole pages of kmalloc
   * where they came from. Uses p up.
   * @throws KernelBug where p has fewer; none is freed then.
   */
  kmemCacheFreeBulk(s: KmemCachePtr, size: number, p: Address[]): void {
    if (!(size <= p.length)) {
      throw new KernelBug("bad-access", `kmem_cache_free_bulk: ${size} objects of ${p.length}`);
    }
    this.allocator.freeBulk(s, size, p);
  }

  // ---- sheaves of callers, and calls from any context: SLUB since 6.18 ----

  /** @throws RangeError where this kernel has none of these calls. */
  private get sheafCalls(): SheafCalls {
    const { sheafCalls, name } = this.allocator;
    if (sheafCalls !== undefined) return sheafCalls;
    throw new RangeError(
      `${name.toUpperCase()} of Linux ${this.common.kernel} has no such call; boot with kernel: "7.1"`,
    );
  }

  kmemCachePrefillSheaf(s: KmemCachePtr, size: number, gfp = KERNEL): Address {
    refuseSheafSize("kmem_cache_prefill_sheaf", size);
    return this.sheafCalls.prefillSheaf(s, gfp, size);
  }

  allocFromSheaf(s: KmemCachePtr, sheaf: Address, gfp = KERNEL): Address {
    return this.sheafCalls.allocFromSheaf(s, gfp, sheaf);
  }

  refillSheaf(s: KmemCachePtr, sheaf: Address, size: number, gfp = KERNEL): Address {
    refuseSheafSize("kmem_cache_refill_sheaf", size);
    return this.sheafCalls.refillSheaf(s, gfp, sheaf, size);
  }

  returnSheaf(s: KmemCachePtr, sheaf: Address, gfp = KERNEL): void {
    this.sheafCalls.returnSheaf(s, gfp, sheaf);
  }

  /**
   * kmalloc_nolock: `size` bytes from any context, also one that has interrupted the allocator; 0 where
   * a lock would have to be waited for. Another size class is tried once before that.
   */
  kmallocNolock(size: number, gfp = 0, node = NO_NODE): Address {
    const { sheafCalls } = this;
    if (!(size > 0) || typeof size !== "number") return this.kmallocNothing(size);
    // 6.19 goes on to larger objects only inside of its own sections with interrupts off: not here.
    const most = since(this.common.kernel, "7.0") ? 2 : 1;
    let bytes = size;
    for (let tries = 0; tries < most && bytes <= this.largestFromCache; tries++) {
      const s = this.common.kmallocCache(this.allocator.kmallocIndexOf(bytes));
      const object = sheafCalls.allocNolock(s, gfp, node);
      if (object !== 0) {
        this.allocator.noteRequested?.(s, object, size);
        return object;
      }
      bytes = this.kmemCacheSize(s) + 1;
    }
    return 0;
  }

  /** kfree_nolock: from any context. @throws KernelBug for what is no object of a cache. */
  kfreeNolock(object: Address): void {
    const { sheafCalls } = this;
    if (object <= ZERO_SIZE) return;
    const s = this.pages.virtAddrValid(object) ? this.cacheOf(object) : 0;
    if (s === 0) throw new KernelBug("bad-access", `kfree_nolock: ${object} is no object`);
    sheafCalls.freeNolock(s, object);
  }

  kmemCacheShrink(s: KmemCachePtr): number {
    return this.common.kmemCacheShrink(s);
  }

  /** kmem_cache_destroy; objects given to kfreeRcu before count as freed. */
  kmemCacheDestroy(s: KmemCachePtr): number {
    this.rcuFrees.barrier();
    const { sheafCalls } = this.allocator;
    if (s !== 0 && sheafCalls !== undefined) {
      this.common.withCpusStaying(() => sheafCalls.flushRcuSheaves(s));
      this.machine.rcu.barrier();
      sheafCalls.deferFreeBarrier();
    }
    return this.common.kmemCacheDestroy(s);
  }

  /**
   * check_heap_object: refuses bytes that are not all of one object (and of its cache's window), or
   * of one block of pages, as a program's view of memory must be.
   * @throws KernelBug with the kernel's words.
   */
  checkHeapObject(address: Address, length: number): void {
    const error = this.pages.virtAddrValid(address)
      ? this.heapError(address, length)
      : `no memory at 0x${address.toString(16)}`;
    if (error === undefined) return;
    throw new KernelBug("bad-access", `usercopy: exposure attempt detected from ${error}!`);
  }

  private heapError(address: Address, length: number): string | undefined {
    const page = this.pages.virtToHeadPage(address);
    const s = this.cacheOf(address);
    if (s !== 0) return this.allocator.heapObjectError(s, page, address, length);
    if ((this.memory.readOnce(page + PAGE_FLAGS) & PG_ALLOCATED) === 0) {
      return `a free page at 0x${address.toString(16)}`;
    }
    const room = this.pages.blockBytes(page);
    const offset = address - this.pages.pageAddress(page);
    if (offset + length <= room) return undefined;
    return `pages (offset ${offset}, size ${length}, block ${room})`;
  }

  /**
   * The objects of a cache that are in use, by who allocated them, most numerous first: a leak
   * report. Callers are known where the cache has SLAB_STORE_USER. Undefined: not kept by SLAB.
   */
  liveObjects(s: KmemCachePtr): LiveObjects[] | undefined {
    return this.observer.liveObjects?.(s);
  }

  /** kmem_cache_size */
  kmemCacheSize(s: KmemCachePtr): number {
    return this.memory.read32(s + KmemCacheBase.objectSize);
  }
}
