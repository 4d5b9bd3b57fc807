// SPDX-License-Identifier: GPL-2.0-only
/**
 * KFENCE (mm/kfence/core.c): every so many allocations one object gets a page of its own, at its left or
 * right edge, beside pages that nobody may access. Accesses beyond it or after its free are then seen
 * at once, writes next to it when it is freed. All other objects cost one look at a counter.
 *
 * The kernel opens its gate by a timer; here it opens for every nth allocation of a CPU, so that a run
 * can be repeated.
 */
import type { AccessChecker } from "../../machine/access-checker.ts";
import { initListHead, listAddTail, listDel, listEmpty, listNext } from "../../machine/list.ts";
import { PAGE_SIZE } from "../../machine/machine.ts";
import type { Address, Memory } from "../../machine/memory.ts";
import { lock, spinLockIrqsave, spinUnlockIrqrestore } from "../../machine/spinlock.ts";
import { list, struct, word } from "../../machine/struct.ts";
import { __GFP_DMA, __GFP_THISNODE, __GFP_ZERO } from "../../pages/gfp.ts";
import {
  SLAB_CACHE_DMA,
  SLAB_CACHE_DMA32,
  SLAB_SKIP_KFENCE,
  SLAB_TYPESAFE_BY_RCU,
} from "../flags.ts";
import { since } from "../kernel-version.ts";
import { KmemCacheBase, type KmemCachePtr } from "../kmem-cache.ts";
import type { SlabCommon } from "../slab-common.ts";
import { Canary } from "./canary.ts";
import { KfenceCounters } from "./counters.ts";
import { AllocCovered } from "./coverage.ts";
import {
  KFENCE_OBJECT_ALLOCATED,
  KFENCE_OBJECT_FREED,
  KFENCE_OBJECT_RCU_FREEING,
  KfenceMeta,
  type KfenceMetaPtr,
  KfencePool,
  KfenceTrack,
} from "./pool.ts";
import { type KfenceError, KfenceReports } from "./reports.ts";

export interface KfenceSettings {
  /** kfence.sample_interval, in allocations of a CPU. */
  readonly sampleInterval: number;
  /** CONFIG_KFENCE_NUM_OBJECTS: one less than a power of two. */
  readonly numObjects: number;
  /** kfence.fault */
  readonly fault: "report" | "panic";
}

/** kfence.skip_covered_thresh, in percent of the pool. */
const SKIP_COVERED_THRESHOLD = 75;

const KfenceState = struct("kfence", {
  freelistLock: lock,
  freelist: list,
  /** Milliseconds of the witness at boot. */
  booted: word,
});

export class Kfence implements AccessChecker {
  declare private readonly common: SlabCommon;
  declare private readonly memory: Memory;
  declare private readonly interval: number;
  declare private readonly at: Address;
  /** Allocations of each CPU until the next one that is sampled (kfence_allocation_gate). */
  declare private readonly gate: Address;
  declare readonly pool: KfencePool;
  declare readonly counters: KfenceCounters;
  declare readonly reports: KfenceReports;
  declare private readonly canary: Canary;
  declare private readonly covered: AllocCovered;
  declare private readonly rcuFree: number;

  constructor(common: SlabCommon, settings: KfenceSettings) {
    const { machine, pages } = common;
    const { memory } = machine;
    this.common = common;
    this.memory = memory;
    this.interval = settings.sampleInterval;
    this.at = machine.statics.allocate(KfenceState, "kfence");
    this.gate = machine.percpu.define(4);
    this.pool = new KfencePool(machine, pages, settings.numObjects);
    this.counters = new KfenceCounters(machine);
    this.reports = new KfenceReports(common, this.pool, settings.fault === "panic");
    this.canary = new Canary(memory, this.pool);
    this.covered = new AllocCovered(machine, settings.numObjects);
    this.rcuFree = machine.functions.register((head) => {
      const meta = head - KfenceMeta.rcu;
      this.guardedFree(meta, memory.read32(meta + KfenceMeta.address), KFENCE_OBJECT_RCU_FREEING);
    });
  }

  /** kfence_init, when the allocator is up. */
  init(): void {
    const { machine } = this.common;
    initListHead(this.memory, this.freelist);
    this.memory.write32(this.at + KfenceState.booted, machine.witness.milliseconds());
    this.pool.init(this.freelist);
    const { start, size, objects } = this.pool;
    machine.console.printk(
      `kfence: initialized - using ${size} bytes for ${objects} objects at 0x${start.toString(16)}-0x${(start + size).toString(16)}`,
    );
  }

  private get freelist(): Address {
    return this.at + KfenceState.freelist;
  }

  private field(meta: KfenceMetaPtr, field: number): number {
    return this.memory.read32(meta + field);
  }

  // ---- allocation ----

  /** kfence_alloc: an object in a page of its own; 0, nearly always: the allocator's turn. */
  alloc(s: KmemCachePtr, gfp: number): Address {
    const { memory, gate } = this;
    memory.thisCpuAdd(gate, -1);
    return memory.thisCpuRead(gate) > 0 ? 0 : this.sampled(s, gfp);
  }

  /** __kfence_alloc. What is not eligible leaves the gate open. */
  private sampled(s: KmemCachePtr, gfp: number): Address {
    const { memory, counters } = this;
    // While the machine boots there is no pool.
    if (this.pool.start === 0) return 0;
    if (!this.isCompatible(s, gfp)) {
      counters.add("skipped allocations (incompatible)");
      return 0;
    }
    if ((memory.read32(s + KmemCacheBase.flags) & SLAB_SKIP_KFENCE) !== 0) return 0;
    memory.thisCpuAdd(this.gate, this.interval - memory.thisCpuRead(this.gate));
    const stack = this.common.machine.witness.stack();
    const hash = AllocCovered.hashOf(stack);
    if (this.isNearlyFull && this.covered.contains(hash)) {
      counters.add("skipped allocations (covered)");
      return 0;
    }
    const meta = this.takeFree();
    if (meta === 0) {
      counters.add("skipped allocations (capacity)");
      return 0;
    }
    memory.write32(meta + KfenceMeta.allocStackHash, hash);
    return this.guardedAlloc(meta, s, gfp, stack);
  }

  private isCompatible(s: KmemCachePtr, gfp: number): boolean {
    const { memory, common } = this;
    const isBound = (gfp & __GFP_THISNODE) !== 0 && since(common.kernel, "6.19");
    if (isBound && common.machine.options.nodes > 1) return false;
    const zoned = memory.read32(s + KmemCacheBase.flags) & (SLAB_CACHE_DMA | SLAB_CACHE_DMA32);
    const size = memory.read32(s + KmemCacheBase.objectSize);
    return size <= PAGE_SIZE && zoned === 0 && (gfp & __GFP_DMA) === 0;
  }

  /** should_skip_covered */
  private get isNearlyFull(): boolean {
    const most = Math.floor((this.pool.objects * SKIP_COVERED_THRESHOLD) / 100);
    return this.counters.get("currently allocated") > most;
  }

  /** The object that has been free for longest; 0: all are in use. */
  private takeFree(): KfenceMetaPtr {
    const { memory, freelist } = this;
    const flags = spinLockIrqsave(memory, this.at + KfenceState.freelistLock);
    const entry = listEmpty(memory, freelist) ? 0 : listNext(memory, freelist);
    if (entry !== 0) listDel(memory, entry);
    spinUnlockIrqrestore(memory, this.at + KfenceState.freelistLock, flags);
    return entry === 0 ? 0 : entry - KfenceMeta.list;
  }

  /** For its audit: what can be had, the longest free first. The machine is quiet. */
  *freeObjects(): Generator<KfenceMetaPtr> {
    const { memory, freelist } = this;
    for (let at = listNext(memory, freelist); at !== freelist; at = listNext(memory, at)) {
      yield at - KfenceMeta.list;
    }
  }

  private giveBack(meta: KfenceMetaPtr): void {
    const { memory } = this;
    const flags = spinLockIrqsave(memory, this.at + KfenceState.freelistLock);
    listAddTail(memory, meta + KfenceMeta.list, this.freelist);
    spinUnlockIrqrestore(memory, this.at + KfenceState.freelistLock, flags);
  }

  /** kfence_guarded_alloc: only the caller knows of `meta`. 0: the constructor has failed. */
  private guardedAlloc(
    meta: KfenceMetaPtr,
    s: KmemCachePtr,
    gfp: number,
    stack: readonly string[],
  ): Address {
    const { memory, pool, counters } = this;
    const page = pool.pageOf(meta);
    const size = memory.read32(s + KmemCacheBase.objectSize);
    const align = memory.read32(s + KmemCacheBase.align);
    // Half of them lie at the end of the page, as far as their alignment allows.
    const atEnd = page + PAGE_SIZE - size;
    const object = (memory.random() & 1) === 0 ? page : atEnd - (atEnd % align);
    pool.unprotect(page);
    pool.setSlab(meta, s, object);
    memory.write32(meta + KfenceMeta.size, size);
    this.setTrack(meta + KfenceMeta.allocTrack, stack);
    this.canary.set(meta);
    if ((gfp & __GFP_ZERO) !== 0) memory.fill(object, 0, size);
    const ctor = memory.read32(s + KmemCacheBase.ctor);
    if (ctor !== 0 && !this.common.machine.functions.construct(ctor, object)) {
      pool.protect(page);
      this.giveBack(meta);
      return 0;
    }
    memory.writeOnce(meta + KfenceMeta.state, KFENCE_OBJECT_ALLOCATED);
    this.covered.add(this.field(meta, KfenceMeta.allocStackHash), 1);
    counters.add("currently allocated");
    counters.add("total allocations");
    return object;
  }

  private setTrack(track: Address, stack: readonly string[]): void {
    const { memory, common, at } = this;
    const { witness } = common.machine;
    const booted = memory.read32(at + KfenceState.booted);
    memory.write32(track + KfenceTrack.task, memory.current());
    memory.write32(track + KfenceTrack.cpu, memory.smpProcessorId());
    memory.write32(track + KfenceTrack.when, (witness.milliseconds() - booted) | 0);
    memory.write32(track + KfenceTrack.stack, common.stackDepot.saveStack(stack));
  }

  /** Of an object that the caller has just got, only `size` bytes were asked for. */
  asked(object: Address, size: number): void {
    const meta = this.pool.metaOf(object);
    this.memory.write32(meta + KfenceMeta.size, size);
    this.canary.set(meta);
  }

  /** kfence_ksize */
  sizeOf(object: Address): number {
    return this.field(this.pool.metaOf(object), KfenceMeta.size);
  }

  /** __check_heap_object: why the bytes must not be shown; undefined: they may. */
  heapObjectError(s: KmemCachePtr, address: Address, length: number): string | undefined {
    const meta = this.pool.metaOf(address);
    const offset = address - this.field(meta, KfenceMeta.address);
    const usersize = s === 0 ? 0 : this.memory.read32(s + KmemCacheBase.usersize);
    const from = usersize === 0 ? 0 : this.memory.read32(s + KmemCacheBase.useroffset);
    const size = this.field(meta, KfenceMeta.size);
    const end = usersize === 0 ? size : Math.min(size, from + usersize);
    if (offset >= from && offset + length <= end) return undefined;
    const { allocator } = this.common;
    const name = s === 0 ? "<destroyed>" : this.common.nameOf(s);
    return `${allocator.name.toUpperCase()} object '${name}' (offset ${offset}, size ${length})`;
  }

  // ---- free ----

  /** __kfence_free: the object is in the pool, or something at its address is. */
  free(object: Address): void {
    const { memory } = this;
    const meta = this.pool.metaOf(object);
    const s = meta === 0 ? 0 : this.field(meta, KfenceMeta.cache);
    const isTypesafe =
      s !== 0 && (memory.read32(s + KmemCacheBase.flags) & SLAB_TYPESAFE_BY_RCU) !== 0;
    if (!isTypesafe) {
      this.guardedFree(meta, object, KFENCE_OBJECT_ALLOCATED);
    } else if (this.claim(meta, object, KFENCE_OBJECT_ALLOCATED, KFENCE_OBJECT_RCU_FREEING)) {
      // Readers may look at it until the grace period is over.
      this.setTrack(meta + KfenceMeta.freeTrack, this.common.machine.witness.stack());
      this.common.machine.rcu.call(meta + KfenceMeta.rcu, this.rcuFree);
    }
  }

  /**
   * The object is the caller's to free. Full barrier: of two that free one object only one gets past
   * here, and the other is reported.
   */
  private claim(meta: KfenceMetaPtr, object: Address, from: number, to: number): boolean {
    const { memory } = this;
    const isObject = meta !== 0 && this.field(meta, KfenceMeta.address) === object;
    if (isObject && memory.cmpxchg(meta + KfenceMeta.state, from, to) === from) return true;
    this.found({ type: "invalid free", address: object, isWrite: false, meta });
    return false;
  }

  /** kfence_guarded_free. `isZombie`: its cache goes, and the object is never handed out again. */
  private guardedFree(
    meta: KfenceMetaPtr,
    object: Address,
    from: number,
    { isZombie = false } = {},
  ): void {
    const { memory, pool, counters } = this;
    if (!this.claim(meta, object, from, KFENCE_OBJECT_FREED)) return;
    const opened = this.field(meta, KfenceMeta.unprotected);
    if (opened !== 0) {
      memory.fill(opened, 0, PAGE_SIZE);
      pool.protect(opened);
      memory.write32(meta + KfenceMeta.unprotected, 0);
    }
    if (from === KFENCE_OBJECT_ALLOCATED) {
      this.setTrack(meta + KfenceMeta.freeTrack, this.common.machine.witness.stack());
    }
    this.covered.add(this.field(meta, KfenceMeta.allocStackHash), -1);
    const wrong = this.canary.firstWrong(meta);
    pool.protect(pool.pageOf(meta));
    if (isZombie) counters.add("zombie allocations");
    else {
      this.giveBack(meta);
      counters.add("currently allocated", -1);
      counters.add("total frees");
    }
    for (const address of wrong) {
      this.found({ type: "memory corruption", address, isWrite: false, meta });
    }
  }

  /** kfence_shutdown_cache: objects that are still in use will never be freed. */
  shutdownCache(s: KmemCachePtr): void {
    for (const meta of this.pool.metasInOrder()) {
      if (this.field(meta, KfenceMeta.cache) !== s) continue;
      const object = this.field(meta, KfenceMeta.address);
      if (this.memory.readOnce(meta + KfenceMeta.state) === KFENCE_OBJECT_ALLOCATED) {
        // Linux leaves it charged for ever.
        this.common.groups?.freed(s, this.common.pages.virtToPage(object), object);
        this.guardedFree(meta, object, KFENCE_OBJECT_ALLOCATED, { isZombie: true });
      }
      this.pool.setSlab(meta, 0, object);
    }
  }

  // ---- accesses ----

  /** Only what lies in the pool is looked at. */
  concerns(address: Address): boolean {
    return this.pool.has(address);
  }

  check(address: Address, bytes: number, isWrite: boolean): void {
    const { pool } = this;
    const end = address + bytes;
    for (let at = address; at < end; at = (at & -PAGE_SIZE) + PAGE_SIZE) {
      if (pool.has(at) && pool.isProtected(at)) this.handlePageFault(at, isWrite);
    }
  }

  /** kfence_handle_page_fault. The access goes on: the page is open from now on. */
  private handlePageFault(address: Address, isWrite: boolean): void {
    const { pool } = this;
    const isGuard = pool.isGuardPage(address);
    const meta = isGuard ? this.nearest(address) : pool.metaOf(address);
    let type: KfenceError = "invalid";
    if (meta !== 0) type = isGuard ? "out-of-bounds" : "use-after-free";
    if (isGuard && meta !== 0) {
      this.memory.write32(meta + KfenceMeta.unprotected, address & -PAGE_SIZE);
    }
    pool.unprotect(address);
    this.found({ type, address, isWrite, meta });
  }

  /** The object in use that is nearest to an address in a guard page; 0: neither side has one. */
  private nearest(address: Address): KfenceMetaPtr {
    const left = this.inUse(address - PAGE_SIZE);
    const right = this.inUse(address + PAGE_SIZE);
    if (left === 0 || right === 0) return left || right;
    const leftEnd = this.field(left, KfenceMeta.address) + this.field(left, KfenceMeta.size);
    const fromLeft = address - leftEnd;
    const fromRight = this.field(right, KfenceMeta.address) - address;
    return fromLeft > fromRight ? right : left;
  }

  private inUse(address: Address): KfenceMetaPtr {
    const meta = this.pool.metaOf(address);
    if (meta === 0) return 0;
    const state = this.memory.readOnce(meta + KfenceMeta.state);
    return state === KFENCE_OBJECT_ALLOCATED ? meta : 0;
  }

  private found(report: Parameters<KfenceReports["report"]>[0]): void {
    this.counters.add("total bugs");
    this.reports.report(report);
  }
}
