// SPDX-License-Identifier: GPL-2.0-only
/**
 * Memory groups since Linux 5.9: each object is charged by its bytes, in the same slabs for all groups.
 *
 *     slab --memcgData--> vector  [objcg] [0] [objcg] ...    one entry an object
 *                                    |
 *     group <---memcg--- objcg <-----+       what an object refers to outlives the group
 *
 * A charge is of whole pages; each CPU keeps what is left of the last one (its stock), for one objcg at
 * a time. When a group is killed its objcg becomes its parent's: nothing is counted anew, since the
 * parent has counted it all along.
 */
import { initListHead, listAdd, listDel, listSplice } from "../../machine/list.ts";
import { PAGE_SHIFT, PAGE_SIZE } from "../../machine/machine.ts";
import type { Address, Ptr } from "../../machine/memory.ts";
import { RcuHead } from "../../machine/rcu.ts";
import { lock, spinLock, spinUnlock } from "../../machine/spinlock.ts";
import { embed, list, ptr, sizeOf, struct, word } from "../../machine/struct.ts";
import { __GFP_ACCOUNT, __GFP_NOFAIL, __GFP_WAIT } from "../../pages/gfp.ts";
import { Page, type PagePtr } from "../../pages/page.ts";
import { SLAB_ACCOUNT } from "../flags.ts";
import { KmemCacheBase, type KmemCachePtr } from "../kmem-cache.ts";
import type { SlabCommon } from "../slab-common.ts";
import { Groups, MemCgroup, type MemCgroupPtr } from "./groups.ts";

export type ObjCgroupPtr = Ptr<"obj_cgroup">;

export const ObjCgroup = struct("obj_cgroup", {
  refcnt: word,
  /** The group, or that above it once it is dead; 0: the root. */
  memcg: ptr,
  /** Bytes of charged pages that no object has and no stock. Atomic. */
  nrChargedBytes: word,
  /** Of a dead group: on the list of the group that it was handed to. */
  list,
  rcu: embed(RcuHead),
});

const ObjStock = struct("memcg_stock_pcp", { cachedObjcg: ptr, nrBytes: word });

const Globals = struct("obj_cgroups", { lock });

/** Bits of memcgData: it is a vector; there was no memory for one (7.1). */
export const MEMCG_DATA_OBJCGS = 1;
const DATA_BITS = 3;

/** Bytes of an entry; each object is charged for its own. */
export const ENTRY_BYTES = 8;
const LARGEST_VECTOR = 8192;

export class ObjCgroups extends Groups {
  declare protected readonly objcgLock: Address;
  declare private readonly stock: Address;
  declare private readonly freeObjcg: number;
  declare private readonly drainThisCpu: number;

  constructor(common: SlabCommon) {
    super(common);
    const { machine } = common;
    this.objcgLock = machine.statics.allocate(Globals, "objcg_lock");
    this.stock = machine.percpu.define(sizeOf(ObjStock));
    this.freeObjcg = machine.functions.register((rcu) => common.kfree(rcu - ObjCgroup.rcu));
    this.drainThisCpu = machine.functions.register(() => this.drainStock());
  }

  // ---- objcgs ----

  protected bring(group: MemCgroupPtr): boolean {
    const { memory } = this;
    const objcg = this.common.kmalloc(sizeOf(ObjCgroup));
    if (objcg === 0) return false;
    memory.fill(objcg, 0, sizeOf(ObjCgroup));
    memory.write32(objcg + ObjCgroup.refcnt, 1);
    memory.write32(objcg + ObjCgroup.memcg, group);
    initListHead(memory, objcg + ObjCgroup.list);
    initListHead(memory, group + MemCgroup.objcgs);
    memory.storeRelease(group + MemCgroup.objcg, objcg);
    return true;
  }

  /** memcg_reparent_objcgs */
  protected offline(group: MemCgroupPtr): void {
    const { memory } = this;
    const objcg = memory.xchg(group + MemCgroup.objcg, 0);
    const parent = memory.read32(group + MemCgroup.parent);
    const flags = this.lockObjcgs();
    const own = group + MemCgroup.objcgs;
    listAdd(memory, objcg + ObjCgroup.list, own);
    for (let at = memory.read32(own); at !== own; at = memory.read32(at)) {
      memory.writeOnce(at - ObjCgroup.list + ObjCgroup.memcg, parent);
    }
    // Those of groups below the root are on no list: nothing is to be done for them any more.
    if (parent !== 0) listSplice(memory, own, parent + MemCgroup.objcgs);
    else this.unlistAll(own);
    this.unlockObjcgs(flags);
    this.putObjcg(objcg);
  }

  /** Interrupts are off: an obj_cgroup may be released by one (0764db9b49c9). */
  protected lockObjcgs(): boolean {
    const flags = this.memory.irqSave();
    spinLock(this.memory, this.objcgLock);
    return flags;
  }

  protected unlockObjcgs(flags: boolean): void {
    spinUnlock(this.memory, this.objcgLock);
    this.memory.irqRestore(flags);
  }

  private unlistAll(head: Address): void {
    const { memory } = this;
    for (let at = memory.read32(head); at !== head; at = memory.read32(head)) {
      listDel(memory, at);
      initListHead(memory, at);
    }
  }

  protected release(): void {}

  /** Of online groups, and those that were handed to them. The machine is quiet. */
  allObjcgs(): ObjCgroupPtr[] {
    const { memory } = this;
    return this.all().flatMap((group) => {
      const live = memory.read32(group + MemCgroup.objcg);
      const found = live === 0 ? [] : [live];
      const head = group + MemCgroup.objcgs;
      for (let at = memory.read32(head); at !== head; at = memory.read32(at)) {
        found.push(at - ObjCgroup.list);
      }
      return found;
    });
  }

  /** Whether its group is online. */
  isLive(objcg: ObjCgroupPtr): boolean {
    const group = this.memory.read32(objcg + ObjCgroup.memcg);
    return group !== 0 && this.memory.read32(group + MemCgroup.objcg) === objcg;
  }

  /** get_obj_cgroup_from_current: with a reference; 0: what is allocated is nobody's. */
  protected currentObjcg(gfp: number): ObjCgroupPtr {
    const { memory } = this;
    const { rcu } = this.common.machine;
    let found: ObjCgroupPtr = 0;
    rcu.readLock();
    for (let group = this.charged(gfp & ~__GFP_NOFAIL); group !== 0 && found === 0; ) {
      const objcg = memory.loadAcquire(group + MemCgroup.objcg);
      if (objcg !== 0 && this.tryGet(objcg + ObjCgroup.refcnt)) found = objcg;
      group = memory.read32(group + MemCgroup.parent);
    }
    rcu.readUnlock();
    return found;
  }

  protected putObjcg(objcg: ObjCgroupPtr): void {
    if (this.memory.add(objcg + ObjCgroup.refcnt, -1) === 1) this.objcgRelease(objcg);
  }

  /** obj_cgroup_release: in the context of the last put, whatever that is. */
  private objcgRelease(objcg: ObjCgroupPtr): void {
    const { memory } = this;
    const bytes = memory.readOnce(objcg + ObjCgroup.nrChargedBytes);
    this.unchargeWhole(objcg, bytes >> PAGE_SHIFT);
    const flags = this.lockObjcgs();
    listDel(memory, objcg + ObjCgroup.list);
    this.unlockObjcgs(flags);
    this.common.machine.rcu.call(objcg + ObjCgroup.rcu, this.freeObjcg);
  }

  /** get_mem_cgroup_from_objcg: with a reference; 0: the root. A group that is handed over has a heir. */
  private memcgOf(objcg: ObjCgroupPtr): MemCgroupPtr {
    const { memory } = this;
    const { rcu } = this.common.machine;
    for (;;) {
      rcu.readLock();
      const group = memory.readOnce(objcg + ObjCgroup.memcg);
      const isGot = group === 0 || this.tryGet(group + MemCgroup.refs);
      rcu.readUnlock();
      if (isGot) return group;
    }
  }

  // ---- bytes and pages ----

  private chargeWhole(objcg: ObjCgroupPtr, n: number, gfp: number): boolean {
    const group = this.memcgOf(objcg);
    if (group === 0) return true;
    const counter = group + MemCgroup.kmem;
    let mayHave = this.counters.tryCharge(counter, n);
    if (!mayHave && (gfp & __GFP_WAIT) !== 0 && !this.memory.irqsDisabled()) {
      this.drainAllStocks();
      mayHave = this.counters.tryCharge(counter, n);
    }
    if (!mayHave && (gfp & __GFP_NOFAIL) !== 0) {
      this.counters.charge(counter, n);
      mayHave = true;
    }
    this.put(group);
    return mayHave;
  }

  private unchargeWhole(objcg: ObjCgroupPtr, n: number): void {
    if (n === 0) return;
    const group = this.memcgOf(objcg);
    if (group === 0) return;
    this.counters.uncharge(group + MemCgroup.kmem, n);
    this.put(group);
  }

  /** obj_cgroup_charge */
  protected charge(objcg: ObjCgroupPtr, bytes: number, gfp: number): boolean {
    if (this.consumeStock(objcg, bytes)) return true;
    const pages = Math.ceil(bytes / PAGE_SIZE);
    if (!this.chargeWhole(objcg, pages, gfp)) return false;
    const rest = pages * PAGE_SIZE - bytes;
    if (rest > 0) this.refillStock(objcg, rest, false);
    return true;
  }

  /** obj_cgroup_uncharge */
  private uncharge(objcg: ObjCgroupPtr, bytes: number): void {
    this.refillStock(objcg, bytes, true);
  }

  private consumeStock(objcg: ObjCgroupPtr, bytes: number): boolean {
    const { memory } = this;
    const flags = memory.irqSave();
    const stock = memory.thisCpuPtr(this.stock);
    const left = memory.readOnce(stock + ObjStock.nrBytes) - bytes;
    const isHere = left >= 0 && memory.readOnce(stock + ObjStock.cachedObjcg) === objcg;
    if (isHere) memory.writeOnce(stock + ObjStock.nrBytes, left);
    memory.irqRestore(flags);
    return isHere;
  }

  /** refill_obj_stock. `mayUncharge`: whole pages go back. */
  private refillStock(objcg: ObjCgroupPtr, bytes: number, mayUncharge: boolean): void {
    const { memory } = this;
    const flags = memory.irqSave();
    const stock = memory.thisCpuPtr(this.stock);
    let uncharges = mayUncharge;
    if (memory.readOnce(stock + ObjStock.cachedObjcg) !== objcg) {
      this.drainStock();
      memory.add(objcg + ObjCgroup.refcnt, 1);
      memory.writeOnce(stock + ObjStock.cachedObjcg, objcg);
      memory.writeOnce(stock + ObjStock.nrBytes, memory.xchg(objcg + ObjCgroup.nrChargedBytes, 0));
      uncharges = true;
    }
    let total = memory.readOnce(stock + ObjStock.nrBytes) + bytes;
    let pages = 0;
    if (uncharges && total > PAGE_SIZE) {
      pages = total >> PAGE_SHIFT;
      total &= PAGE_SIZE - 1;
    }
    memory.writeOnce(stock + ObjStock.nrBytes, total);
    memory.irqRestore(flags);
    this.unchargeWhole(objcg, pages);
  }

  /** memcg_hotplug_cpu_dead */
  override deadCpu(cpu: number): void {
    this.drainStock(this.memory.perCpuPtr(this.stock, cpu));
  }

  /** drain_obj_stock, of this CPU, or of an absent one; interrupts are off. */
  private drainStock(stock: Address = this.memory.thisCpuPtr(this.stock)): void {
    const { memory } = this;
    const objcg = memory.readOnce(stock + ObjStock.cachedObjcg);
    if (objcg === 0) return;
    const bytes = memory.readOnce(stock + ObjStock.nrBytes);
    this.unchargeWhole(objcg, bytes >> PAGE_SHIFT);
    const rest = bytes & (PAGE_SIZE - 1);
    if (rest > 0) memory.add(objcg + ObjCgroup.nrChargedBytes, rest);
    memory.writeOnce(stock + ObjStock.nrBytes, 0);
    memory.writeOnce(stock + ObjStock.cachedObjcg, 0);
    this.putObjcg(objcg);
  }

  /** drain_all_stock. Interrupts are on. */
  drainAllStocks(): void {
    this.common.machine.calls.callOnEach(
      (cpu) => this.stockOf(cpu).objcg !== 0,
      this.drainThisCpu,
      0,
    );
  }

  /** What a CPU has in stock, and for whom; read from afar. */
  stockOf(cpu: number): { objcg: ObjCgroupPtr; bytes: number } {
    const { memory } = this;
    const stock = memory.perCpuPtr(this.stock, cpu);
    return {
      objcg: memory.readOnce(stock + ObjStock.cachedObjcg),
      bytes: memory.readOnce(stock + ObjStock.nrBytes),
    };
  }

  // ---- whole pages ----

  protected chargePages(n: number, gfp: number): ObjCgroupPtr | undefined {
    const objcg = this.currentObjcg(gfp);
    if (objcg === 0 || this.chargeWhole(objcg, n, gfp)) return objcg;
    this.putObjcg(objcg);
    return undefined;
  }

  protected unchargePages(objcg: ObjCgroupPtr, n: number): void {
    this.unchargeWhole(objcg, n);
    this.putObjcg(objcg);
  }

  // ---- objects ----

  /** obj_full_size */
  protected fullSize(s: KmemCachePtr): number {
    return this.memory.read32(s + KmemCacheBase.size) + ENTRY_BYTES;
  }

  /**
   * memcg_slab_pre_alloc_hook: who is to be charged for `n` objects of `s`, with a reference; 0: nobody;
   * undefined: the group may not have them.
   */
  preAlloc(s: KmemCachePtr, gfp: number, n: number): ObjCgroupPtr | undefined {
    const objcg = this.ownerOf(s, gfp);
    if (objcg === 0 || this.charge(objcg, n * this.fullSize(s), gfp)) return objcg;
    this.putObjcg(objcg);
    return undefined;
  }

  protected ownerOf(s: KmemCachePtr, gfp: number): ObjCgroupPtr {
    const isAsked = (gfp & __GFP_ACCOUNT) !== 0;
    if (!isAsked && (this.memory.read32(s + KmemCacheBase.flags) & SLAB_ACCOUNT) === 0) return 0;
    return this.currentObjcg(gfp);
  }

  /**
   * memcg_slab_post_alloc_hook: of the `n` that are charged, `objects` were had. An object of a slab that
   * gets no vector is nobody's. False: the objects must go back.
   */
  postAlloc(
    objcg: ObjCgroupPtr,
    s: KmemCachePtr,
    _gfp: number,
    n: number,
    objects: readonly Address[],
  ): boolean {
    let left = n;
    for (const object of objects) {
      const page = this.common.pages.virtToHeadPage(object);
      if (!this.ensureVector(s, page)) continue;
      this.setOwner(objcg, s, page, object);
      left--;
    }
    if (left > 0) this.uncharge(objcg, left * this.fullSize(s));
    this.putObjcg(objcg);
    return true;
  }

  protected setOwner(objcg: ObjCgroupPtr, s: KmemCachePtr, page: PagePtr, object: Address): void {
    this.memory.add(objcg + ObjCgroup.refcnt, 1);
    this.memory.writeOnce(this.entryOf(s, page, object), objcg);
  }

  override chargeGiven(s: KmemCachePtr, object: Address, gfp: number): void {
    const objcg = this.preAlloc(s, gfp | __GFP_NOFAIL, 1) ?? 0;
    if (objcg !== 0) this.postAlloc(objcg, s, gfp | __GFP_NOFAIL, 1, [object]);
  }

  /**
   * memcg_slab_free_hook: before the object can be another's, or the other's entry would be wiped.
   */
  override freed(s: KmemCachePtr, page: PagePtr, object: Address): void {
    const { memory } = this;
    if (this.vectorOf(page) === 0) return;
    const entry = this.entryOf(s, page, object);
    const objcg = memory.readOnce(entry);
    if (objcg === 0) return;
    memory.writeOnce(entry, 0);
    this.uncharge(objcg, this.fullSize(s));
    this.putObjcg(objcg);
  }

  /** slab_objcgs */
  vectorOf(page: PagePtr): Address {
    // Acquire: who finds the vector finds it empty.
    return this.memory.loadAcquire(page + Page.memcgData) & ~DATA_BITS;
  }

  private entryOf(s: KmemCachePtr, page: PagePtr, object: Address): Address {
    const index = this.common.allocator.objToIndex(s, page, object);
    return this.vectorOf(page) + index * this.strideOf(page);
  }

  strideOf(_page: PagePtr): number {
    return ENTRY_BYTES;
  }

  /** memcg_alloc_slab_cgroups, where there is no vector yet. False: there is no memory for one. */
  protected ensureVector(s: KmemCachePtr, page: PagePtr): boolean {
    if (this.vectorOf(page) !== 0) return true;
    const vector = this.newVector(s, page);
    if (vector === 0) return this.vectorFailed(page);
    if (!this.publish(page, vector | MEMCG_DATA_OBJCGS)) this.common.kfree(vector);
    return true;
  }

  private newVector(s: KmemCachePtr, page: PagePtr): Address {
    const { memory, common } = this;
    const { allocator } = common;
    let bytes = allocator.objsPerSlab(s, page) * ENTRY_BYTES;
    const size = memory.read32(s + KmemCacheBase.objectSize);
    if (this.isVectorOwn(s, bytes)) bytes = size + 1;
    if (bytes > LARGEST_VECTOR) return 0;
    const vector = common.kmalloc(bytes);
    if (vector !== 0) memory.fill(vector, 0, bytes);
    return vector;
  }

  /** A vector that has the size of the slab's own objects could lie in this slab, which would never be empty. */
  protected isVectorOwn(s: KmemCachePtr, bytes: number): boolean {
    return this.common.kmallocCache(this.common.allocator.kmallocIndexOf(bytes)) === s;
  }

  protected vectorFailed(_page: PagePtr): boolean {
    return false;
  }

  /** True: the vector is the slab's. False: another CPU's is. Full barrier: who finds it finds it empty. */
  protected publish(page: PagePtr, data: number): boolean {
    return this.memory.cmpxchg(page + Page.memcgData, 0, data) === 0;
  }

  /** unaccount_slab: the vector goes with the slab. */
  override slabGoes(page: PagePtr): void {
    const vector = this.vectorOf(page);
    this.memory.writeOnce(page + Page.memcgData, 0);
    this.common.kfree(vector);
  }
}
