// SPDX-License-Identifier: GPL-2.0-only
/**
 * How a cache comes to be (mm/slab_common.c `kmem_cache_create`): checked, merged with one that
 * exists if that wastes less than a word an object, or made. A cache is on the list only when it is
 * usable; whatever step fails, all earlier ones are undone. All of it under slab_mutex.
 */
import { PAGE_SIZE } from "../machine/machine.ts";
import type { Memory } from "../machine/memory.ts";
import { alignUp, calculateAlignment, KMALLOC_MAX_SIZE, WORD_SIZE } from "./alignment.ts";
import type { SheafArgs } from "./allocator.ts";
import type { CacheRegistry } from "./cache-registry.ts";
import { EINVAL, ENOMEM } from "./errno.ts";
import { cacheCreateMask, flagsPermitted, SLAB_NO_MERGE } from "./flags.ts";
import { since } from "./kernel-version.ts";
import { KmemCacheBase, type KmemCachePtr } from "./kmem-cache.ts";
import type { MemCgroupPtr } from "./memcg/groups.ts";
import { findMergeable } from "./merge.ts";
import type { SysfsNames } from "./sysfs-names.ts";

/** A cache's name must fit into a kmalloc cache, and so must its entry in sysfs. */
const LONGEST_NAME = PAGE_SIZE / 2;
/** With it and the largest object, sizes are still counted in 32 bits. */
const LARGEST_ALIGN = 2 ** 30;

/** A cache as its user asks for it. Bytes; `ctor` is a function number, 0: none. */
export interface CacheRequest extends SheafArgs {
  readonly name: string;
  readonly size: number;
  readonly align: number;
  readonly flags: number;
  readonly ctor: number;
  /** The bytes of an object that its user may be shown (`view8` and the others); 0: all of them. */
  readonly useroffset: number;
  readonly usersize: number;
}

/** The parts of slab_common that it uses. */
export interface CreationParts
  extends Pick<
    CacheRegistry,
    | "machine"
    | "allocator"
    | "build"
    | "mergeRules"
    | "caches"
    | "mergeCandidate"
    | "kstrdup"
    | "kfree"
    | "zallocCache"
    | "freeCache"
    | "publish"
    | "groups"
  > {
  readonly hasSysfs: boolean;
  readonly sysfsNames: SysfsNames;
}

export class CacheCreation {
  declare private readonly common: CreationParts;
  declare private readonly memory: Memory;

  constructor(common: CreationParts) {
    this.common = common;
    this.memory = common.machine.memory;
  }

  /**
   * The cache, or a negative error number. The request is sane; the caller holds slab_mutex and the
   * hotplug locks.
   */
  create(request: CacheRequest): KmemCachePtr | number {
    const { build } = this.common;
    if ((request.flags & ~flagsPermitted(build)) !== 0) return -EINVAL;
    const hasOwnCapacity = (request.sheafCapacity ?? 0) > 0 && since(build.kernel, "6.18");
    const own = hasOwnCapacity ? SLAB_NO_MERGE : 0;
    const flags = (request.flags & cacheCreateMask(build)) | own;
    const wanted = { ...this.withUsercopyWindow(request), flags };
    const shared = this.alias(wanted);
    if (shared !== 0) return shared;
    const name = this.common.kstrdup(request.name);
    if (name === 0) return -ENOMEM;
    const made = this.make(wanted, name);
    if (made < 0) this.common.kfree(name);
    return made;
  }

  /**
   * memcg_create_kmem_cache: a cache as `root` is, for the tasks of a group alone, or 0. The caller
   * holds slab_mutex.
   */
  makeChild(root: KmemCachePtr, name: number, group: MemCgroupPtr): KmemCachePtr {
    const { memory, common } = this;
    const read = (field: number): number => memory.read32(root + field);
    const request = {
      name: "",
      size: read(KmemCacheBase.objectSize),
      align: read(KmemCacheBase.align),
      flags: read(KmemCacheBase.flags) & cacheCreateMask(common.build),
      ctor: read(KmemCacheBase.ctor),
      useroffset: 0,
      usersize: 0,
    };
    return Math.max(this.make(request, name, { root, group }), 0);
  }

  /**
   * kmem_cache_sanity_check: a request that makes no sense is refused before any lock is
   * taken. (The kernel's, with DEBUG_VM, also refuses objects smaller than a word.)
   */
  isSane({ name, size, align, ctor }: CacheRequest): boolean {
    const { console, functions } = this.common.machine;
    if (
      typeof name !== "string" ||
      name === "" ||
      name.length > LONGEST_NAME ||
      !isWithin(size, 1, KMALLOC_MAX_SIZE) ||
      !isWithin(align, 0, LARGEST_ALIGN) ||
      !isWithin(ctor, 0, functions.count)
    ) {
      console.printk(`kmem_cache_create(${name}) integrity check failed`);
      return false;
    }
    if (name.includes(" ")) console.printk(`WARNING: cache name "${name}" will confuse parsers`);
    return true;
  }

  /** A window that does not lie within the object is warned of and closed. */
  private withUsercopyWindow(request: CacheRequest): CacheRequest {
    const { name, size, useroffset, usersize } = request;
    if (usersize === 0 && useroffset === 0) return request;
    if (usersize > 0 && useroffset >= 0 && useroffset + usersize <= size) return request;
    this.common.machine.console.printk(
      `WARNING: kmem_cache_create_usercopy(${name}): no window of ${usersize} bytes at ${useroffset} in ${size}`,
    );
    return { ...request, useroffset: 0, usersize: 0 };
  }

  /** __kmem_cache_alias: a cache that serves the request as well, with one user more; or 0. */
  private alias(request: CacheRequest): KmemCachePtr {
    const { memory, common } = this;
    const candidates = common
      .caches()
      .reverse()
      .map((s) => common.mergeCandidate(s));
    const ctor = request.ctor !== 0;
    const found = findMergeable(common.mergeRules, candidates, { ...request, ctor });
    if (found === undefined) return 0;
    const { s } = found;
    const refcount = memory.read32(s + KmemCacheBase.refcount);
    memory.writeOnce(s + KmemCacheBase.refcount, refcount + 1);
    for (const each of [s, ...(common.groups?.childrenOf(s) ?? [])]) {
      // The bytes zeroed on allocation must cover the largest object of all users.
      const size = Math.max(memory.read32(each + KmemCacheBase.objectSize), request.size);
      memory.write32(each + KmemCacheBase.objectSize, size);
      common.allocator.growInuse?.(each, alignUp(request.size, WORD_SIZE));
    }
    if (!common.hasSysfs || common.sysfsNames.alias(s, request.name) === 0) return s;
    memory.writeOnce(s + KmemCacheBase.refcount, refcount);
    return 0;
  }

  /** do_kmem_cache_create */
  private make(
    request: CacheRequest,
    name: number,
    child: { root: KmemCachePtr; group: MemCgroupPtr } = { root: 0, group: 0 },
  ): KmemCachePtr | number {
    const { memory, common } = this;
    const s = common.zallocCache();
    if (s === 0) return -ENOMEM;
    if (common.groups?.init(s, child.root, child.group) === false) {
      common.freeCache(s);
      return -ENOMEM;
    }
    const { size, align, flags, ctor, useroffset, usersize } = request;
    memory.write32(s + KmemCacheBase.name, name);
    memory.write32(s + KmemCacheBase.objectSize, size);
    memory.write32(s + KmemCacheBase.size, size);
    memory.write32(s + KmemCacheBase.align, calculateAlignment(flags, align, size));
    memory.write32(s + KmemCacheBase.ctor, ctor);
    memory.write32(s + KmemCacheBase.useroffset, useroffset);
    memory.write32(s + KmemCacheBase.usersize, usersize);
    const error = this.complete(s, flags, request);
    if (error !== 0) {
      common.groups?.forget(s);
      common.freeCache(s);
      return error;
    }
    memory.write32(s + KmemCacheBase.refcount, 1);
    common.publish(s);
    return s;
  }

  /** __kmem_cache_create: the allocator's part, and the cache's directory. */
  private complete(s: KmemCachePtr, flags: number, args: SheafArgs): number {
    const { allocator, sysfsNames, hasSysfs } = this.common;
    const { sheafCapacity = 0, freeptrOffset } = args;
    const error = allocator.create(s, flags, { sheafCapacity, freeptrOffset });
    if (error !== 0) return error;
    const unnamed = hasSysfs ? sysfsNames.add(s) : 0;
    if (unnamed !== 0) {
      allocator.shutdown(s);
      allocator.release(s);
    }
    return unnamed;
  }
}

/** Callers may be plain JavaScript: NaN, 1.5 and "64" are no sizes. */
function isWithin(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most;
}
