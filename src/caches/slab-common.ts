/**
 * slab_common: the list of all caches and what happens to a cache as a whole, whichever allocator
 * runs. slab_mutex guards the list, the state, and every cache's coming and going; the kmalloc table
 * is only read once the machine is up.
 */
import { KernelBug } from "../machine/kernel-bug.ts";
import { initListHead, listAdd, listDel } from "../machine/list.ts";
import type { Machine } from "../machine/machine.ts";
import type { Address, Memory } from "../machine/memory.ts";
import { Mutex, mutexLock, mutexUnlock } from "../machine/mutex.ts";
import { array, embed, list, ptr, struct, word } from "../machine/struct.ts";
import { readText, textBytes, writeText } from "../machine/text.ts";
import { __GFP_ZERO, GFP_KERNEL, GFP_NOWAIT } from "../pages/gfp.ts";
import { Page } from "../pages/page.ts";
import type { Pages } from "../pages/pages.ts";
import { calculateAlignment, KMALLOC_MAX_SIZE, WORD_SIZE } from "./alignment.ts";
import type { Allocator } from "./allocator.ts";
import type { BootParameters } from "./boot-parameters.ts";
import { EBUSY } from "./errno.ts";
import { cacheCreateMask, type KernelVersion, SLAB_PANIC, SLAB_TYPESAFE_BY_RCU } from "./flags.ts";
import { kmallocAlign, kmallocCaches } from "./kmalloc-sizes.ts";
import { KmemCacheBase, type KmemCachePtr, SLAB_STATE } from "./kmem-cache.ts";

/** kmalloc sizes go up to 2^22, and 96 and 192 are numbers 1 and 2. */
const KMALLOC_INDEXES = 26;

const Globals = struct("slab_common", {
  slabMutex: embed(Mutex, "lock"),
  state: word,
  /** All caches, newest first. */
  slabCaches: list,
  /** The cache of caches. */
  kmemCache: ptr,
  kmallocCaches: array(ptr, KMALLOC_INDEXES),
  kmallocDmaCaches: array(ptr, KMALLOC_INDEXES),
});

export class SlabCommon {
  readonly machine: Machine;
  readonly pages: Pages;
  readonly kernel: KernelVersion;
  readonly parameters: BootParameters;
  readonly allocator: Allocator;
  protected readonly memory: Memory;
  private readonly globals: Address;

  constructor(
    machine: Machine,
    pages: Pages,
    kernel: KernelVersion,
    parameters: BootParameters,
    allocator: (common: SlabCommon) => Allocator,
  ) {
    this.machine = machine;
    this.pages = pages;
    this.kernel = kernel;
    this.parameters = parameters;
    this.memory = machine.memory;
    this.globals = machine.statics.allocate(Globals, "slab_common");
    this.allocator = allocator(this);
  }

  /** Brings the allocator up, once, on one thread. */
  boot(): void {
    initListHead(this.memory, this.globals + Globals.slabCaches);
    this.allocator.kmemCacheInit();
    this.allocator.kmemCacheInitLate();
    this.state = SLAB_STATE.FULL;
  }

  get state(): number {
    return this.memory.read32(this.globals + Globals.state);
  }

  set state(state: number) {
    this.memory.write32(this.globals + Globals.state, state);
  }

  get kmemCache(): KmemCachePtr {
    return this.memory.read32(this.globals + Globals.kmemCache);
  }

  set kmemCache(s: KmemCachePtr) {
    this.memory.write32(this.globals + Globals.kmemCache, s);
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

  /** All caches, newest first. The caller holds slab_mutex or the machine is quiet. */
  caches(): KmemCachePtr[] {
    const head = this.globals + Globals.slabCaches;
    const found: KmemCachePtr[] = [];
    for (let at = this.memory.read32(head); at !== head; at = this.memory.read32(at)) {
      found.push(at - KmemCacheBase.list);
    }
    return found;
  }

  /** Puts a finished cache on the list. */
  publish(s: KmemCachePtr): void {
    listAdd(this.memory, s + KmemCacheBase.list, this.globals + Globals.slabCaches);
  }

  /** A zeroed struct kmem_cache, or 0. */
  zallocCache(): KmemCachePtr {
    const gfp = this.isAvailable ? GFP_KERNEL : GFP_NOWAIT;
    return this.allocator.slabAllocNode(this.kmemCache, gfp | __GFP_ZERO, -1);
  }

  private freeStruct(s: KmemCachePtr): void {
    this.allocator.slabFree(this.kmemCache, this.pages.virtToHeadPage(s), s);
  }

  // ---- boot ----

  /** create_boot_cache: fills `s`, which is never to be merged with. */
  createBootCache(s: KmemCachePtr, name: string, size: number, flags: number): void {
    const { memory } = this;
    memory.write32(s + KmemCacheBase.name, this.staticName(name));
    memory.write32(s + KmemCacheBase.objectSize, size);
    memory.write32(s + KmemCacheBase.size, size);
    const align = kmallocAlign(this.kernel, size);
    memory.write32(s + KmemCacheBase.align, calculateAlignment(flags, align, size));
    const error = this.allocator.create(s, flags);
    if (error !== 0) {
      throw new KernelBug(
        "leaked-page",
        `Creation of kmalloc slab ${name} size=${size} failed. Reason ${error}`,
      );
    }
    memory.write32(s + KmemCacheBase.refcount, -1);
  }

  private staticName(name: string): Address {
    const at = this.machine.statics.words(textBytes(name) / 4, `"${name}"`);
    writeText(this.memory, at, name);
    return at;
  }

  /**
   * create_kmalloc_caches: in the kernel's order, from the `from`th on; the first ones may exist
   * already. The allocator is up when the last of the normal ones exists.
   */
  createKmallocCaches(from: number): void {
    const build = { allocator: this.allocator.name, kernel: this.kernel, config: [] };
    const wanted = kmallocCaches(build).slice(from);
    for (const { name, type, index, size, flags } of wanted) {
      if (type !== "normal" && !this.isAvailable) this.state = SLAB_STATE.UP;
      const table = type === "dma" ? Globals.kmallocDmaCaches : Globals.kmallocCaches;
      this.memory.write32(
        this.globals + table + (index << 2),
        this.createKmallocCache(name, size, flags),
      );
    }
    this.state = SLAB_STATE.UP;
  }

  /** create_kmalloc_cache */
  createKmallocCache(name: string, size: number, flags: number): KmemCachePtr {
    const s = this.zallocCache();
    if (s === 0) throw new KernelBug("leaked-page", `Out of memory when creating slab ${name}`);
    this.createBootCache(s, name, size, flags);
    this.publish(s);
    this.memory.write32(s + KmemCacheBase.refcount, 1);
    return s;
  }

  /** The cache of a size class (see kmallocIndex), or 0. */
  kmallocCache(index: number): KmemCachePtr {
    return this.memory.read32(this.globals + Globals.kmallocCaches + (index << 2));
  }

  kmallocDmaCache(index: number): KmemCachePtr {
    return this.memory.read32(this.globals + Globals.kmallocDmaCaches + (index << 2));
  }

  /** Enters a cache that an allocator had to make before the others. */
  setKmallocCache(index: number, s: KmemCachePtr): void {
    this.memory.write32(this.globals + Globals.kmallocCaches + (index << 2), s);
  }

  // ---- creation and destruction ----

  /**
   * kmem_cache_create: a new cache, or 0 with a warning where it cannot be made.
   * `ctor` is a function number. May sleep.
   */
  kmemCacheCreate(
    name: string,
    size: number,
    align: number,
    flags: number,
    ctor: number,
  ): KmemCachePtr {
    mutexLock(this.memory, this.slabMutex);
    const s = this.isSane(name, size) ? this.createCache(name, size, align, flags, ctor) : 0;
    mutexUnlock(this.memory, this.slabMutex);
    if (s === 0) this.creationFailed(name, flags);
    return s;
  }

  private creationFailed(name: string, flags: number): void {
    if ((flags & SLAB_PANIC) !== 0) {
      throw new KernelBug("bad-access", `kmem_cache_create: Failed to create slab '${name}'.`);
    }
    this.machine.console.printk(`kmem_cache_create(${name}) failed`);
  }

  /** kmem_cache_sanity_check */
  private isSane(name: string, size: number): boolean {
    if (name !== "" && size >= WORD_SIZE && size <= KMALLOC_MAX_SIZE) return true;
    this.machine.console.printk(`kmem_cache_create(${name}) integrity check failed`);
    return false;
  }

  /** create_cache. What was made is undone where a later step fails. */
  private createCache(
    name: string,
    size: number,
    align: number,
    flags: number,
    ctor: number,
  ): KmemCachePtr {
    const { memory } = this;
    const s = this.zallocCache();
    if (s === 0) return 0;
    const nameAt = this.duplicate(name);
    if (nameAt === 0) {
      this.freeStruct(s);
      return 0;
    }
    const masked = flags & cacheCreateMask({ allocator: this.allocator.name, kernel: this.kernel });
    memory.write32(s + KmemCacheBase.name, nameAt);
    memory.write32(s + KmemCacheBase.objectSize, size);
    memory.write32(s + KmemCacheBase.size, size);
    memory.write32(s + KmemCacheBase.align, calculateAlignment(masked, align, size));
    memory.write32(s + KmemCacheBase.ctor, ctor);
    if (this.allocator.create(s, masked) !== 0) {
      this.freeName(nameAt);
      this.freeStruct(s);
      return 0;
    }
    memory.write32(s + KmemCacheBase.refcount, 1);
    this.publish(s);
    return s;
  }

  /** kstrdup */
  private duplicate(text: string): Address {
    const bytes = textBytes(text);
    const cache = this.kmallocCache(this.allocator.kmallocIndexOf(bytes));
    const at = this.allocator.slabAllocNode(cache, GFP_KERNEL, -1);
    if (at !== 0) writeText(this.memory, at, text);
    return at;
  }

  private freeName(at: Address): void {
    const page = this.pages.virtToHeadPage(at);
    this.allocator.slabFree(this.memory.read32(page + Page.slabCache), page, at);
  }

  /**
   * kmem_cache_destroy: 0, or -EBUSY where objects remain; then the cache is kept. Waits for the
   * grace periods of its slabs. May sleep.
   */
  kmemCacheDestroy(s: KmemCachePtr): number {
    const { memory } = this;
    mutexLock(memory, this.slabMutex);
    const refcount = memory.read32(s + KmemCacheBase.refcount) - 1;
    memory.write32(s + KmemCacheBase.refcount, refcount);
    if (refcount > 0) {
      mutexUnlock(memory, this.slabMutex);
      return 0;
    }
    const closed = this.allocator.shutdown(s);
    if (!closed) {
      memory.write32(s + KmemCacheBase.refcount, refcount + 1);
      mutexUnlock(memory, this.slabMutex);
      this.machine.console.printk(
        `kmem_cache_destroy ${this.nameOf(s)}: Slab cache still has objects`,
      );
      return -EBUSY;
    }
    listDel(memory, s + KmemCacheBase.list);
    mutexUnlock(memory, this.slabMutex);
    if ((memory.read32(s + KmemCacheBase.flags) & SLAB_TYPESAFE_BY_RCU) !== 0) {
      this.waitForSlabs();
    }
    this.allocator.release(s);
    this.freeName(memory.read32(s + KmemCacheBase.name));
    this.freeStruct(s);
    return 0;
  }

  /** Slabs that wait for a grace period name the cache: all of them must be gone (7ed9f7e5db58). */
  protected waitForSlabs(): void {
    this.machine.rcu.barrier();
  }

  /** kmem_cache_shrink: gives empty slabs back. Non-zero if slabs remain. May sleep. */
  kmemCacheShrink(s: KmemCachePtr): number {
    mutexLock(this.memory, this.slabMutex);
    const remain = this.allocator.shrink(s);
    mutexUnlock(this.memory, this.slabMutex);
    return remain;
  }

  /** An object was given to the wrong cache. */
  wrongCache(s: KmemCachePtr, owner: KmemCachePtr, object: Address): never {
    const owned = owner === 0 ? "is in no slab" : `belongs to ${this.nameOf(owner)}`;
    throw new KernelBug(
      "wrong-slab",
      `cache_from_obj: Wrong slab cache. ${this.nameOf(s)} but object 0x${object.toString(16)} ${owned}`,
    );
  }
}
