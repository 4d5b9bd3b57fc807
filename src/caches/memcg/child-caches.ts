// SPDX-License-Identifier: GPL-2.0-only
/**
 * Memory groups of Linux 4.1: each group has a child cache of each cache that its tasks use, and is
 * charged for the pages of their slabs.
 *
 *     root cache  --caches-->  array  [0] [1] [2] ...    by kmemcgId, published by RCU
 *        |                              |
 *        +--children--> child <---------+
 *
 * A child is made by a work, while the allocation that found none takes an object of the root, which is
 * nobody's. An array of each cache is large enough before the first task has a number that it is to hold.
 * A child of a group that was killed keeps no empty slab, and goes with the last page of the group.
 */
import { hotplugBegin, hotplugDone } from "../../machine/hotplug-lock.ts";
import { initListHead, listAdd, listDel } from "../../machine/list.ts";
import type { Address, Ptr } from "../../machine/memory.ts";
import { RcuHead } from "../../machine/rcu.ts";
import { embed, list, ptr, sizeOf, struct, word } from "../../machine/struct.ts";
import { NUMA_NO_NODE } from "../../machine/topology.ts";
import { GFP_NOWAIT } from "../../pages/gfp.ts";
import { KmemCacheBase, type KmemCachePtr } from "../kmem-cache.ts";
import type { SlabCommon } from "../slab-common.ts";
import { Groups, MemCgroup, type MemCgroupPtr } from "./groups.ts";
import { Work } from "./works.ts";

/** What a cache has of groups. */
export const MemcgCacheParams = struct("memcg_cache_params", {
  /** 0: it is no child. */
  root: ptr,
  memcg: ptr,
  /** Of a root the head, of a child the entry. */
  children: list,
  /** Of a root: its array, or 0. */
  caches: ptr,
  /** Of a root: the longest text that was written to one of its files. */
  maxAttrSize: word,
  /** The root is about to be destroyed: no child is made any more (92ee383f6daa). */
  dying: word,
});

/** Its entries follow. */
export const MemcgCacheArray = struct("memcg_cache_array", { rcu: embed(RcuHead), capacity: word });

const CreateWork = struct("memcg_kmem_cache_create_work", {
  work: embed(Work),
  memcg: ptr,
  root: ptr,
});

const FEWEST_IDS = 4;

type ParamsPtr = Ptr<"memcg_cache_params">;

export class ChildCaches extends Groups {
  declare private readonly freeArray: number;
  declare private readonly createChild: number;

  constructor(common: SlabCommon) {
    super(common);
    const { functions } = common.machine;
    this.freeArray = functions.register((array) => this.common.kfree(array));
    this.createChild = functions.register((work) => this.doCreate(work));
  }

  protected paramsOf(s: KmemCachePtr): ParamsPtr {
    return this.memory.read32(s + KmemCacheBase.memcgParams);
  }

  private entry(array: Address, id: number): Address {
    return array + sizeOf(MemcgCacheArray) + (id << 2);
  }

  /** Its pages are charged to it until they are free. */
  override isCounting(): boolean {
    return true;
  }

  override boot(): void {
    super.boot();
    for (const s of this.common.caches()) this.init(s);
  }

  // ---- ids and arrays ----

  /** memcg_alloc_cache_id, with the arrays that it needs: they grow before anybody has the number. */
  protected bring(group: MemCgroupPtr): boolean {
    const { memory } = this;
    const online = this.all().filter((other) => this.isOnline(other));
    const id = this.lowestFree(MemCgroup.kmemcgId, 0, online);
    if (id >= memory.read32(this.cacheIds) && !this.grow(Math.max(FEWEST_IDS, 2 * (id + 1)))) {
      return false;
    }
    memory.storeRelease(group + MemCgroup.kmemcgId, id);
    return true;
  }

  private grow(capacity: number): boolean {
    const { memory, common } = this;
    hotplugBegin(memory, common.memcgCacheIdsLock);
    const roots = common.withCaches((s) => this.rootOf(s) !== 0 || this.growOne(s, capacity));
    const grown = roots.every((done) => done);
    if (grown) memory.write32(this.cacheIds, capacity);
    hotplugDone(memory, common.memcgCacheIdsLock);
    return grown;
  }

  /** memcg_update_cache_params: readers of the old array may still be there. */
  private growOne(s: KmemCachePtr, capacity: number): boolean {
    const { memory } = this;
    const params = this.paramsOf(s);
    const old = memory.read32(params + MemcgCacheParams.caches);
    const array = this.newArray(capacity, old);
    if (array === 0) return false;
    // Release: who finds the array finds its entries.
    memory.storeRelease(params + MemcgCacheParams.caches, array);
    if (old !== 0) this.freeOldArray(old);
    return true;
  }

  /** kfree_rcu (f8570263ee16) */
  protected freeOldArray(array: Address): void {
    this.common.machine.rcu.call(array, this.freeArray);
  }

  private newArray(capacity: number, old: Address): Address {
    const { memory } = this;
    const bytes = sizeOf(MemcgCacheArray) + capacity * 4;
    const array = this.common.kmalloc(bytes);
    if (array === 0) return 0;
    memory.fill(array, 0, bytes);
    memory.write32(array + MemcgCacheArray.capacity, capacity);
    const kept = old === 0 ? 0 : memory.read32(old + MemcgCacheArray.capacity);
    if (kept !== 0) memory.copy(this.entry(array, 0), this.entry(old, 0), kept * 4);
    return array;
  }

  // ---- caches ----

  /** init_memcg_params. The caches of the boot have theirs when the boot is over. */
  override init(s: KmemCachePtr, root: KmemCachePtr = 0, memcg: MemCgroupPtr = 0): boolean {
    const { memory, common } = this;
    const ids = memory.read32(this.cacheIds);
    const array = root === 0 && ids > 0 ? this.newArray(ids, 0) : 0;
    const params = common.kmalloc(sizeOf(MemcgCacheParams));
    if (params === 0 || (root === 0 && ids > 0 && array === 0)) {
      common.kfree(array);
      common.kfree(params);
      return false;
    }
    memory.fill(params, 0, sizeOf(MemcgCacheParams));
    memory.write32(params + MemcgCacheParams.root, root);
    memory.write32(params + MemcgCacheParams.memcg, memcg);
    initListHead(memory, params + MemcgCacheParams.children);
    memory.write32(params + MemcgCacheParams.caches, array);
    memory.storeRelease(s + KmemCacheBase.memcgParams, params);
    return true;
  }

  /** destroy_memcg_params: nobody has the cache any more. */
  override forget(s: KmemCachePtr): void {
    const params = this.paramsOf(s);
    if (params === 0) return;
    this.common.kfree(this.memory.read32(params + MemcgCacheParams.caches));
    this.common.kfree(params);
  }

  override rootOf(s: KmemCachePtr): KmemCachePtr {
    const params = this.paramsOf(s);
    return params === 0 ? 0 : this.memory.read32(params + MemcgCacheParams.root);
  }

  /** The group that a child is of. */
  memcgOf(s: KmemCachePtr): MemCgroupPtr {
    const params = this.paramsOf(s);
    return params === 0 ? 0 : this.memory.read32(params + MemcgCacheParams.memcg);
  }

  override childrenOf(s: KmemCachePtr): KmemCachePtr[] {
    return this.common.caches().filter((child) => this.rootOf(child) === s);
  }

  // ---- which cache serves ----

  /**
   * memcg_kmem_get_cache: the child, with a reference to its group that `putCache` drops; or the cache
   * itself, where the allocation is nobody's or there is no child yet.
   */
  getCache(s: KmemCachePtr, gfp: number): KmemCachePtr {
    const { memory } = this;
    const { rcu } = this.common.machine;
    const group = this.charged(gfp);
    if (group === 0 || !this.tryGetOnline(group)) return s;
    const params = this.paramsOf(s);
    const id = memory.loadAcquire(group + MemCgroup.kmemcgId);
    rcu.readLock();
    const array = params === 0 ? 0 : memory.loadAcquire(params + MemcgCacheParams.caches);
    const child = array === 0 || id < 0 ? 0 : this.childIn(array, id);
    rcu.readUnlock();
    if (child !== 0) return child;
    if (array !== 0) this.schedule(s, group);
    this.put(group);
    return s;
  }

  /** Acquire: who finds a child finds it whole. */
  protected childIn(array: Address, id: number): KmemCachePtr {
    return this.memory.loadAcquire(this.entry(array, id));
  }

  /** memcg_kmem_put_cache */
  putCache(child: KmemCachePtr): void {
    this.put(this.memcgOf(child));
  }

  /** memcg_schedule_kmem_cache_create: where there is no memory the next allocation tries again. */
  private schedule(root: KmemCachePtr, group: MemCgroupPtr): void {
    const { memory, common } = this;
    if (memory.readOnce(this.paramsOf(root) + MemcgCacheParams.dying) !== 0) return;
    const { allocator } = common;
    const cache = common.kmallocCache(allocator.kmallocIndexOf(sizeOf(CreateWork)));
    const work = this.unaccounted(() => allocator.slabAllocNode(cache, GFP_NOWAIT, NUMA_NO_NODE));
    if (work === 0) return;
    memory.add(group + MemCgroup.refs, 1);
    memory.write32(work + CreateWork.memcg, group);
    memory.write32(work + CreateWork.root, root);
    this.works.queue(work, this.createChild);
  }

  private doCreate(work: Address): void {
    const { memory, common } = this;
    const group = memory.read32(work + CreateWork.memcg);
    const root = memory.read32(work + CreateWork.root);
    common.whileCachesStay(() => this.createIn(group, root));
    this.put(group);
    common.kfree(work);
  }

  /** memcg_create_kmem_cache, with slab_mutex. Another work may have made it, and the group may be dead. */
  private createIn(group: MemCgroupPtr, root: KmemCachePtr): void {
    const { memory, common } = this;
    const params = this.paramsOf(root);
    if (!this.isOnline(group) || memory.readOnce(params + MemcgCacheParams.dying) !== 0) return;
    const array = memory.read32(params + MemcgCacheParams.caches);
    const at = this.entry(array, memory.read32(group + MemCgroup.kmemcgId));
    if (memory.read32(at) !== 0) return;
    const id = memory.read32(group + MemCgroup.id);
    const name = common.kstrdup(`${common.nameOf(root)}(${id}:${this.nameOf(group)})`);
    const child = name === 0 ? 0 : common.createChild(root, name, group);
    if (child === 0) return;
    this.propagate(root, child);
    listAdd(
      memory,
      this.paramsOf(child) + MemcgCacheParams.children,
      params + MemcgCacheParams.children,
    );
    this.publish(at, child);
  }

  /** smp_wmb: who finds the child finds it whole. */
  protected publish(at: Address, child: KmemCachePtr): void {
    this.memory.storeRelease(at, child);
  }

  // ---- charges ----

  override chargeSlab(s: KmemCachePtr, order: number): boolean {
    const group = this.memcgOf(s);
    if (group === 0) return true;
    if (!this.counters.tryCharge(group + MemCgroup.kmem, 1 << order)) return false;
    this.memory.add(group + MemCgroup.refs, 1 << order);
    return true;
  }

  override unchargeSlab(s: KmemCachePtr, order: number): void {
    const group = this.memcgOf(s);
    if (group !== 0) this.unchargePages(group, 1 << order);
  }

  protected chargePages(n: number, gfp: number): MemCgroupPtr | undefined {
    const group = this.charged(gfp);
    if (group === 0) return 0;
    if (!this.counters.tryCharge(group + MemCgroup.kmem, n)) return undefined;
    this.memory.add(group + MemCgroup.refs, n);
    return group;
  }

  protected unchargePages(group: MemCgroupPtr, n: number): void {
    this.counters.uncharge(group + MemCgroup.kmem, n);
    this.put(group, n);
  }

  // ---- the end of a group, and of a cache ----

  /** memcg_deactivate_kmem_caches: the group is not online, so that no child comes after this. */
  protected offline(group: MemCgroupPtr): void {
    const { memory, common } = this;
    const id = memory.read32(group + MemCgroup.kmemcgId);
    common.whileCachesStay(() => {
      for (const s of common.caches()) {
        const array = memory.read32(this.paramsOf(s) + MemcgCacheParams.caches);
        const child = array === 0 ? 0 : memory.read32(this.entry(array, id));
        if (child === 0) continue;
        common.allocator.deactivate(child);
        memory.writeOnce(this.entry(array, id), 0);
      }
    });
    const parent = memory.read32(group + MemCgroup.parent);
    const heir = parent === 0 ? -1 : memory.read32(parent + MemCgroup.kmemcgId);
    memory.storeRelease(group + MemCgroup.kmemcgId, heir);
  }

  /** memcg_destroy_kmem_caches: no page is charged to the group any more. */
  protected release(group: MemCgroupPtr): void {
    const { common } = this;
    const going = common.whileCachesStay(() =>
      common.caches().flatMap((s) => (this.memcgOf(s) === group ? (common.detach(s) ?? []) : [])),
    );
    for (const gone of going) common.releaseCache(gone);
  }

  override setDying(root: KmemCachePtr, dying: 0 | 1): void {
    this.memory.writeOnce(this.paramsOf(root) + MemcgCacheParams.dying, dying);
  }

  /** A work names its root without a reference to it: the works that do are waited for (92ee383f6daa). */
  override beforeDestroy(s: KmemCachePtr): void {
    const isLast = this.common.whileCachesStay(() => {
      const last = this.memory.read32(s + KmemCacheBase.refcount) === 1 && !this.common.isOwn(s);
      if (last) this.setDying(s, 1);
      return last;
    });
    if (isLast) this.flushWorks();
  }

  override unlink(s: KmemCachePtr): void {
    const { memory } = this;
    const root = this.rootOf(s);
    if (root === 0) return;
    listDel(memory, this.paramsOf(s) + MemcgCacheParams.children);
    const array = memory.read32(this.paramsOf(root) + MemcgCacheParams.caches);
    const id = memory.read32(this.memcgOf(s) + MemCgroup.kmemcgId);
    const isEntered = id >= 0 && memory.read32(this.entry(array, id)) === s;
    if (isEntered) memory.writeOnce(this.entry(array, id), 0);
  }

  // ---- files ----

  /** memcg_propagate_slab_attrs: what was written to a file of the root is written to the child's. */
  protected propagate(root: KmemCachePtr, child: KmemCachePtr): void {
    const { memory, common } = this;
    if (memory.read32(this.paramsOf(root) + MemcgCacheParams.maxAttrSize) === 0) return;
    for (const { show, store } of common.observer.attributes.values()) {
      const text = store === undefined ? undefined : show?.(root);
      // A file that shows nothing is only written (museum R61).
      if (typeof text === "string" && text !== "") store?.(child, text);
    }
  }

  /** slab_attr_store: a root's file has been written, and so are those of its children. */
  override stored(root: KmemCachePtr, text: string, store: (s: KmemCachePtr) => number): void {
    const { memory, common } = this;
    common.withCaches((s) => {
      if (s !== root) return;
      const size = this.paramsOf(root) + MemcgCacheParams.maxAttrSize;
      memory.write32(size, Math.max(memory.read32(size), text.length));
      for (const child of this.childrenOf(root)) store(child);
    });
  }
}
