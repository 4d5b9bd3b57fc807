// SPDX-License-Identifier: GPL-2.0-only
/**
 * The state of caches that all threads share: the list of all of them, how far the allocator has
 * come up, the kmalloc caches by size class. slab_mutex guards the list, the state, and every
 * cache's coming and going; the kmalloc table is only read once the machine is up.
 */

import { HotplugLock, holdOff, initHotplugLock, letGo } from "../machine/hotplug-lock.ts";
import { KernelBug } from "../machine/kernel-bug.ts";
import { initListHead, listAdd } from "../machine/list.ts";
import type { Machine } from "../machine/machine.ts";
import type { Address, Memory } from "../machine/memory.ts";
import { Mutex, mutexLock, mutexUnlock } from "../machine/mutex.ts";
import { setLockClass } from "../machine/spinlock.ts";
import { array, embed, list, ptr, struct, word } from "../machine/struct.ts";
import { readText, textBytes, writeText } from "../machine/text.ts";
import { NUMA_NO_NODE } from "../machine/topology.ts";
import { __GFP_ZERO, GFP_KERNEL, GFP_NOWAIT } from "../pages/gfp.ts";
import { Page, type PagePtr, PG_HEAD, PG_SLAB } from "../pages/page.ts";
import type { Pages } from "../pages/pages.ts";
import type { Allocator } from "./allocator.ts";
import type { BootParameters } from "./boot-parameters.ts";
import type { BuildOption, KernelBuild } from "./flags.ts";
import type { Kasan } from "./kasan/kasan.ts";
import type { KernelVersion } from "./kernel-version.ts";
import type { Kfence } from "./kfence/kfence.ts";
import { ZERO_SIZE_PTR } from "./kmalloc-sizes.ts";
import { KmemCacheBase, type KmemCachePtr, LIVE_CACHE, SLAB_STATE } from "./kmem-cache.ts";
import type { Kmemcheck } from "./kmemcheck/kmemcheck.ts";
import type { TrackedObjects } from "./kmemleak/tracked-objects.ts";
import type { Groups } from "./memcg/groups.ts";
import type { MergeCandidate, MergeRules } from "./merge.ts";
import { StackDepot } from "./stack-depot.ts";
import { Taint } from "./taint.ts";

/** kmalloc sizes go up to 2^22, and 96 and 192 are numbers 1 and 2. */
const KMALLOC_INDEXES = 26;
/** A struct kmem_cache has more bytes in each kernel. */
const LEAST_BYTES = 64;

const Globals = struct("slab_common", {
  cpuHotplug: embed(HotplugLock),
  memHotplug: embed(HotplugLock),
  memcgCacheIds: embed(HotplugLock),
  slabMutex: embed(Mutex, "lock"),
  state: word,
  /** All caches, newest first. */
  slabCaches: list,
  /** The cache of caches. */
  kmemCache: ptr,
  kmallocCaches: array(ptr, KMALLOC_INDEXES),
  kmallocDmaCaches: array(ptr, KMALLOC_INDEXES),
  kmallocReclaimCaches: array(ptr, KMALLOC_INDEXES),
  kmallocCgroupCaches: array(ptr, KMALLOC_INDEXES),
});

/** The machine and its pages, and the kernel that runs on it. */
export interface CacheRegistryParts {
  readonly machine: Machine;
  readonly pages: Pages;
  readonly kernel: KernelVersion;
  readonly parameters: BootParameters;
  readonly config?: readonly BuildOption[] | undefined;
}

export abstract class CacheRegistry {
  declare readonly machine: Machine;
  declare readonly pages: Pages;
  declare readonly kernel: KernelVersion;
  declare readonly parameters: BootParameters;
  /** Build options of the kernel. */
  declare readonly config: readonly BuildOption[];
  abstract readonly allocator: Allocator;
  /** Stacks of the callers that debugging remembers. */
  declare readonly stackDepot: StackDepot;
  /** What reports so far say about the reports to come. */
  declare readonly taint: Taint;
  /** Memory groups, of a kernel that is booted with them. */
  declare groups: Groups | undefined;
  /** KASAN, likewise. */
  declare kasan: Kasan | undefined;
  /** KFENCE, likewise. */
  declare kfence: Kfence | undefined;
  /** kmemcheck, likewise. */
  declare kmemcheck: Kmemcheck | undefined;
  /** The objects that kmemleak knows, likewise. */
  declare kmemleak: TrackedObjects | undefined;
  declare protected readonly memory: Memory;
  declare protected readonly globals: Address;

  constructor(parts: CacheRegistryParts) {
    this.machine = parts.machine;
    this.config = parts.config ?? [];
    this.pages = parts.pages;
    this.kernel = parts.kernel;
    this.groups = undefined;
    this.kasan = undefined;
    this.kfence = undefined;
    this.kmemcheck = undefined;
    this.kmemleak = undefined;
    this.parameters = parts.parameters;
    this.memory = parts.machine.memory;
    this.globals = parts.machine.statics.allocate(Globals, "slab_common");
    this.stackDepot = new StackDepot(parts.machine);
    this.taint = new Taint(parts.machine, parts.kernel);
  }

  protected initList(): void {
    const { memory } = this;
    initHotplugLock(memory, this.cpuHotplugLock, "cpu_hotplug_lock");
    initHotplugLock(memory, this.memHotplugLock, "mem_hotplug_lock");
    initHotplugLock(memory, this.memcgCacheIdsLock, "memcg_cache_ids");
    setLockClass(memory, this.slabMutex, "slab_mutex");
    initListHead(memory, this.globals + Globals.slabCaches);
  }

  get state(): number {
    return this.memory.read32(this.globals + Globals.state);
  }

  /** Only ever grows. */
  set state(state: number) {
    if (state < this.state)
      throw new KernelBug("bad-access", `slab_state ${this.state} -> ${state}`);
    this.memory.write32(this.globals + Globals.state, state);
  }

  get kmemCache(): KmemCachePtr {
    return this.memory.read32(this.globals + Globals.kmemCache);
  }

  set kmemCache(s: KmemCachePtr) {
    this.memory.write32(this.globals + Globals.kmemCache, s);
  }

  /** A task that takes a CPU away or brings one holds it as a writer. */
  get cpuHotplugLock(): Address {
    return this.globals + Globals.cpuHotplug;
  }

  get memHotplugLock(): Address {
    return this.globals + Globals.memHotplug;
  }

  get memcgCacheIdsLock(): Address {
    return this.globals + Globals.memcgCacheIds;
  }

  get slabMutex(): Address {
    return this.globals + Globals.slabMutex;
  }

  /** slab_is_available */
  get isAvailable(): boolean {
    return this.state >= SLAB_STATE.UP;
  }

  nameOf(s: KmemCachePtr): string {
    return readText(this.memory, this.memory.read32(s + KmemCacheBase.name));
  }

  /**
   * All caches, newest first. The caller holds slab_mutex or the machine is quiet.
   * @throws KernelBug where the list is no list any more: a walk of it might not end.
   */
  caches(): KmemCachePtr[] {
    const head = this.globals + Globals.slabCaches;
    const most = this.machine.layout.end / LEAST_BYTES;
    const found: KmemCachePtr[] = [];
    for (let at = this.memory.read32(head); at !== head; at = this.memory.read32(at)) {
      if (found.length > most)
        throw new KernelBug("list-corruption", "the list of caches is a loop");
      found.push(at - KmemCacheBase.list);
    }
    return found;
  }

  /** Asks something of every cache, newest first, while none can come or go. May sleep. */
  withCaches<T>(ask: (s: KmemCachePtr) => T): T[] {
    mutexLock(this.memory, this.slabMutex);
    const answers = this.caches().map(ask);
    mutexUnlock(this.memory, this.slabMutex);
    return answers;
  }

  /** Puts a finished cache on the list. */
  publish(s: KmemCachePtr): void {
    this.memory.write32(s + KmemCacheBase.magic, LIVE_CACHE ^ s);
    listAdd(this.memory, s + KmemCacheBase.list, this.globals + Globals.slabCaches);
  }

  /** A zeroed struct kmem_cache, or 0. */
  zallocCache(): KmemCachePtr {
    const gfp = this.isAvailable ? GFP_KERNEL : GFP_NOWAIT;
    return this.allocator.slabAllocNode(this.kmemCache, gfp | __GFP_ZERO, -1);
  }

  freeCache(s: KmemCachePtr): void {
    this.allocator.slabFree(this.kmemCache, this.pages.virtToHeadPage(s), s);
  }

  /**
   * kmalloc for memory that belongs to caches themselves: no more than a kmalloc cache has. May
   * sleep.
   */
  kmalloc(bytes: number): Address {
    const cache = this.kmallocCache(this.allocator.kmallocIndexOf(bytes));
    return this.allocator.slabAllocNode(cache, GFP_KERNEL, NUMA_NO_NODE);
  }

  /**
   * kfree: an object of any cache, or the pages of a large kmalloc; NULL and ZERO_SIZE_PTR are
   * nothing. @throws KernelBug with no lock held where it is neither.
   */
  kfree(at: Address): void {
    if (at <= ZERO_SIZE_PTR) return;
    const { memory, pages } = this;
    const page = pages.virtToHeadPage(at);
    const flags = memory.readOnce(page + Page.flags);
    if ((flags & PG_SLAB) !== 0) {
      this.allocator.slabFree(memory.read32(page + Page.slabCache), page, at);
    } else {
      this.kfreePages(page, flags, at);
    }
  }

  private kfreePages(page: PagePtr, flags: number, at: Address): void {
    const { pages } = this;
    if ((flags & PG_HEAD) === 0 || pages.pageAddress(page) !== at) {
      throw new KernelBug("bad-access", `kfree: 0x${at.toString(16)} is no object`);
    }
    this.kmemleak?.freed(at);
    this.groups?.unchargeBlock(page);
    pages.freeCompound(page);
  }

  /** The text in memory of its own, or 0. */
  kstrdup(text: string): Address {
    const at = this.kmalloc(textBytes(text));
    if (at !== 0) writeText(this.memory, at, text);
    return at;
  }

  // ---- merging ----

  /** The build that decides which flags a cache may have. */
  get build(): KernelBuild {
    return { allocator: this.allocator.name, kernel: this.kernel, config: this.config };
  }

  get mergeRules(): MergeRules {
    return { ...this.build, parameters: this.parameters };
  }

  /** The properties of a cache that merging looks at. */
  mergeCandidate(s: KmemCachePtr): MergeCandidate & { readonly s: KmemCachePtr } {
    const { memory } = this;
    const isChild = (this.groups?.rootOf(s) ?? 0) !== 0;
    return {
      s,
      size: memory.read32(s + KmemCacheBase.size),
      align: memory.read32(s + KmemCacheBase.align),
      flags: memory.read32(s + KmemCacheBase.flags),
      ctor: memory.read32(s + KmemCacheBase.ctor) !== 0,
      // A group's cache is for that group alone.
      refcount: isChild ? -1 : memory.read32(s + KmemCacheBase.refcount),
      usersize: memory.read32(s + KmemCacheBase.usersize),
    };
  }

  /** Whether the kernel itself has made the cache, at boot, and needs it: its name is a static one. */
  isOwn(s: KmemCachePtr): boolean {
    return this.memory.read32(s + KmemCacheBase.name) < this.machine.layout.staticsEnd;
  }

  /** Where the cache of a size class (see kmallocIndex) is entered. */
  kmallocSlot(index: number): Address {
    return this.globals + Globals.kmallocCaches + (index << 2);
  }

  /** The cache of a size class, or 0. */
  kmallocCache(index: number): KmemCachePtr {
    return this.memory.read32(this.kmallocSlot(index));
  }

  /** That for DMA memory, or 0 in a kernel that has none. */
  kmallocDmaCache(index: number): KmemCachePtr {
    return this.memory.read32(this.globals + Globals.kmallocDmaCaches + (index << 2));
  }

  protected setKmallocDmaCache(index: number, s: KmemCachePtr): void {
    this.memory.write32(this.globals + Globals.kmallocDmaCaches + (index << 2), s);
  }

  /** That for reclaimable memory, or 0 in a kernel that has none (before 4.20). */
  kmallocReclaimCache(index: number): KmemCachePtr {
    return this.memory.read32(this.globals + Globals.kmallocReclaimCaches + (index << 2));
  }

  protected setKmallocReclaimCache(index: number, s: KmemCachePtr): void {
    this.memory.write32(this.globals + Globals.kmallocReclaimCaches + (index << 2), s);
  }

  /** That for objects that are charged to a group, or 0 in a kernel that has none. */
  kmallocCgroupCache(index: number): KmemCachePtr {
    return this.memory.read32(this.globals + Globals.kmallocCgroupCaches + (index << 2));
  }

  protected setKmallocCgroupCache(index: number, s: KmemCachePtr): void {
    this.memory.write32(this.globals + Globals.kmallocCgroupCaches + (index << 2), s);
  }

  /** Enters a cache that an allocator had to make before the others. */
  setKmallocCache(index: number, s: KmemCachePtr): void {
    this.memory.write32(this.globals + Globals.kmallocCaches + (index << 2), s);
  }

  /** No CPU comes or goes while `act` runs. May sleep. */
  withCpusStaying(act: () => void): void {
    holdOff(this.memory, this.cpuHotplugLock);
    act();
    letGo(this.memory, this.cpuHotplugLock);
  }

  /** Asks for something while CPUs, memory and the list of caches stay as they are. May sleep. */
  whileCachesStay<T>(ask: () => T): T {
    this.lockCaches();
    const answer = ask();
    this.unlockCaches();
    return answer;
  }

  /** CPUs and memory stay as they are, and so does the list of caches: always in this order. */
  protected lockCaches(): void {
    holdOff(this.memory, this.cpuHotplugLock);
    holdOff(this.memory, this.memHotplugLock);
    holdOff(this.memory, this.memcgCacheIdsLock);
    mutexLock(this.memory, this.slabMutex);
  }

  protected unlockCaches(): void {
    mutexUnlock(this.memory, this.slabMutex);
    letGo(this.memory, this.memcgCacheIdsLock);
    letGo(this.memory, this.memHotplugLock);
    letGo(this.memory, this.cpuHotplugLock);
  }
}
