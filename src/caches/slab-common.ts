// SPDX-License-Identifier: GPL-2.0-only
/**
 * slab_common: the life of a cache as a whole, in either allocator: at boot, when it is made, when
 * it goes. Under slab_mutex and with CPUs and memory held where they are.
 */

import { KernelBug } from "../machine/kernel-bug.ts";
import { listDel } from "../machine/list.ts";
import type { Address } from "../machine/memory.ts";
import { textBytes, writeText } from "../machine/text.ts";
import { calculateAlignment } from "./alignment.ts";
import type { Allocator } from "./allocator.ts";
import { CacheRegistry, type CacheRegistryParts } from "./cache-registry.ts";
import { CacheCreation, type CacheRequest } from "./creation.ts";
import { EBUSY, EINVAL } from "./errno.ts";
import { SLAB_PANIC, SLAB_TYPESAFE_BY_RCU } from "./flags.ts";
import { since } from "./kernel-version.ts";
import { kmallocAlign, kmallocCaches } from "./kmalloc-sizes.ts";
import { KmemCacheBase, type KmemCachePtr, SLAB_STATE } from "./kmem-cache.ts";
import type { MemCgroupPtr } from "./memcg/groups.ts";
import type { ObservedAllocator, Observer } from "./observer.ts";
import { SysfsNames } from "./sysfs-names.ts";

/** The machine and kernel, and how to make the allocator that stands on slab_common. */
export interface SlabCommonParts extends CacheRegistryParts {
  readonly allocator: (common: SlabCommon) => ObservedAllocator;
}

/** A cache as its user asks for it; what is left out is 0. */
export type NewCache = Partial<CacheRequest> & Pick<CacheRequest, "name" | "size">;

/** A cache that is on no list any more, and its names. */
export interface Gone {
  readonly s: KmemCachePtr;
  readonly names: readonly Address[];
}

export class SlabCommon extends CacheRegistry {
  declare readonly allocator: Allocator;
  /** What watchers need of the allocator. */
  declare readonly observer: Observer;
  declare readonly sysfsNames: SysfsNames;
  declare private readonly creation: CacheCreation;

  constructor(parts: SlabCommonParts) {
    super(parts);
    this.sysfsNames = new SysfsNames(this);
    this.creation = new CacheCreation(this);
    const { allocator, observer } = parts.allocator(this);
    this.allocator = allocator;
    this.observer = observer;
  }

  /** Brings the allocator up, once, on one thread. */
  boot(): void {
    this.initList();
    this.sysfsNames.init();
    this.allocator.kmemCacheInit();
    this.allocator.kmemCacheInitLate();
    this.slabSysfsInit();
  }

  /** slab_sysfs_init: the last step. From here on caches and their aliases are seen from outside. */
  protected slabSysfsInit(): void {
    this.lockCaches();
    this.state = SLAB_STATE.FULL;
    if (this.hasSysfs) this.sysfsNames.start();
    this.groups?.boot();
    this.unlockCaches();
  }

  /** SLAB's caches have no directories. */
  get hasSysfs(): boolean {
    return this.allocator.name === "slub";
  }

  // ---- boot ----

  /**
   * create_boot_cache: fills `s`, which is never to be merged with.
   * @throws RangeError where memory or boot parameters do not allow it; the kernel panics.
   */
  createBootCache(s: KmemCachePtr, name: string, size: number, flags: number): void {
    const { memory } = this;
    memory.write32(s + KmemCacheBase.name, this.staticName(name));
    memory.write32(s + KmemCacheBase.objectSize, size);
    memory.write32(s + KmemCacheBase.size, size);
    const align = kmallocAlign(this.kernel, size);
    memory.write32(s + KmemCacheBase.align, calculateAlignment(flags, align, size));
    const error = this.allocator.create(s, flags);
    if (error !== 0) {
      throw new RangeError(`Creation of kmalloc slab ${name} size=${size} failed. Reason ${error}`);
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
    const wanted = kmallocCaches(this.build).slice(from);
    for (const { name, type, index, size, flags } of wanted) {
      if (type !== "normal" && !this.isAvailable) this.state = SLAB_STATE.UP;
      const s = this.createKmallocCache(name, size, flags);
      if (type === "dma") this.setKmallocDmaCache(index, s);
      else if (type === "reclaim") this.setKmallocReclaimCache(index, s);
      else if (type === "cgroup") this.setKmallocCgroupCache(index, s);
      else if (type === "normal") this.setKmallocCache(index, s);
    }
    this.state = SLAB_STATE.UP;
  }

  /** create_kmalloc_cache */
  createKmallocCache(name: string, size: number, flags: number): KmemCachePtr {
    const s = this.zallocCache();
    if (s === 0) throw new RangeError(`Out of memory when creating slab ${name}`);
    this.createBootCache(s, name, size, flags);
    this.publish(s);
    this.memory.write32(s + KmemCacheBase.refcount, 1);
    // Since 4.16 only a cache with a window may be copied from, and kmalloc memory always could.
    if (since(this.kernel, "4.16")) this.memory.write32(s + KmemCacheBase.usersize, size);
    return s;
  }

  // ---- creation and destruction ----

  /**
   * kmem_cache_create_usercopy: a new cache, or one that exists and serves as well, or 0 with a
   * warning where it cannot be had. May sleep.
   * @throws KernelBug with SLAB_PANIC instead of 0; the machine then stops.
   */
  kmemCacheCreate(cache: NewCache): KmemCachePtr {
    const { name, size, align = 0, flags = 0, ctor = 0, useroffset = 0, usersize = 0 } = cache;
    if (!this.isAvailable) {
      throw new KernelBug("bad-access", `kmem_cache_create(${name}) before kmalloc works`);
    }
    const { sheafCapacity = 0, freeptrOffset } = cache;
    const window = { useroffset, usersize };
    const request = { name, size, align, flags, ctor, sheafCapacity, freeptrOffset, ...window };
    const made = this.creation.isSane(request) ? this.createLocked(request) : -EINVAL;
    if (made < 0) this.creationFailed(request, -made);
    return Math.max(made, 0);
  }

  private createLocked(request: CacheRequest): KmemCachePtr | number {
    this.lockCaches();
    const made = this.creation.create(request);
    this.unlockCaches();
    return made;
  }

  private creationFailed({ name, flags }: CacheRequest, error: number): void {
    if ((flags & SLAB_PANIC) !== 0) {
      // Every task that waits for anything from now on sees it.
      this.machine.panic();
      throw new KernelBug(
        "bad-access",
        `Kernel panic - not syncing: kmem_cache_create: Failed to create slab '${name}'. Error -${error}`,
      );
    }
    this.machine.console.printk(`kmem_cache_create(${name}) failed with error -${error}`);
  }

  /**
   * kmem_cache_destroy: 0, or -EBUSY where objects remain; they are listed, and the cache is kept.
   * With other users left it only loses one. NULL is no cache and
   * nothing to do (since Linux 4.3). Waits for the grace periods of the cache's slabs. May sleep.
   */
  kmemCacheDestroy(s: KmemCachePtr): number {
    if (s === 0) return 0;
    const { memory } = this;
    this.groups?.beforeDestroy(s);
    this.lockCaches();
    const refcount = memory.read32(s + KmemCacheBase.refcount) - 1;
    if (refcount <= 0 && this.isOwn(s)) {
      this.unlockCaches();
      throw new KernelBug(
        "bad-access",
        `kmem_cache_destroy: ${this.nameOf(s)} is the kernel's own`,
      );
    }
    const going: Gone[] = [];
    // Negative: a cache of the boot, which is never shared.
    const closed = refcount !== 0 || this.detachFamily(s, going);
    // The kernel leaves a cache that cannot go without users; here it can be destroyed later.
    if (closed) memory.writeOnce(s + KmemCacheBase.refcount, refcount);
    if (refcount > 0 && this.hasSysfs) this.sysfsNames.dropAlias(s, refcount);
    if (refcount !== 0 || !closed) this.groups?.setDying(s, 0);
    this.unlockCaches();
    for (const each of going) this.releaseCache(each);
    if (!closed) {
      this.machine.console.printk(
        `kmem_cache_destroy ${this.nameOf(s)}: Slab cache still has objects`,
      );
      return -EBUSY;
    }
    return 0;
  }

  /** A cache and the children that groups have of it: the last one that goes is released first. */
  private detachFamily(s: KmemCachePtr, going: Gone[]): boolean {
    let closed = true;
    for (const child of this.groups?.childrenOf(s) ?? []) {
      const gone = this.detach(child);
      if (gone === undefined) closed = false;
      else going.unshift(gone);
    }
    const gone = closed ? this.detach(s) : undefined;
    if (gone !== undefined) going.unshift(gone);
    return gone !== undefined;
  }

  /**
   * do_kmem_cache_shutdown, with slab_mutex: takes a cache without objects off the list, for
   * `releaseCache`. Undefined where objects remain.
   */
  detach(s: KmemCachePtr): Gone | undefined {
    if (!this.allocator.shutdown(s)) return undefined;
    this.memory.write32(s + KmemCacheBase.magic, 0);
    listDel(this.memory, s + KmemCacheBase.list);
    this.groups?.unlink(s);
    return { s, names: this.hasSysfs ? this.sysfsNames.unlistAll(s) : [] };
  }

  /** The cache that a group has of `root`; 0: no memory. With slab_mutex; `name` is the cache's own. */
  createChild(root: KmemCachePtr, name: Address, group: MemCgroupPtr): KmemCachePtr {
    const child = this.creation.makeChild(root, name, group);
    if (child === 0) this.kfree(name);
    return child;
  }

  /** do_kmem_cache_release: the cache has no user and is on no list. No lock is held. May sleep. */
  releaseCache({ s, names }: Gone): void {
    this.sysfsNames.release(names);
    if ((this.memory.read32(s + KmemCacheBase.flags) & SLAB_TYPESAFE_BY_RCU) !== 0) {
      this.waitForSlabs();
    }
    this.allocator.release(s);
    this.groups?.forget(s);
    this.kfree(this.memory.read32(s + KmemCacheBase.name));
    this.freeCache(s);
  }

  /** Slabs that wait for a grace period name the cache: all of them must be gone (7ed9f7e5db58). */
  protected waitForSlabs(): void {
    this.machine.rcu.barrier();
  }

  /**
   * kmem_cache_shrink: gives empty slabs back. Non-zero if slabs remain. May sleep.
   * @throws KernelBug for NULL, with no lock held.
   */
  kmemCacheShrink(s: KmemCachePtr): number {
    if (s === 0) throw new KernelBug("bad-access", "kmem_cache_shrink of NULL");
    this.lockCaches();
    const remain = this.allocator.shrink(s);
    this.unlockCaches();
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
