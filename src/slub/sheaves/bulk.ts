// SPDX-License-Identifier: GPL-2.0-only
/**
 * Many objects in one call: as many as the sheaves at hand hold, or have room for, by copying; the
 * rest from and to the slabs. No sheaf is made, refilled or flushed for it.
 */

import { KernelBug } from "../../machine/kernel-bug.ts";
import type { Address, Memory } from "../../machine/memory.ts";
import { NUMA_NO_NODE } from "../../machine/topology.ts";
import { __GFP_ZERO } from "../../pages/gfp.ts";
import { Page, PG_SLAB } from "../../pages/page.ts";
import type { SlubContext } from "../slub-context.ts";
import { KmemCache, type KmemCachePtr } from "../structs.ts";
import type { Barns } from "./barn.ts";
import type { SheafLock } from "./cpu-sheaves.ts";
import type { DetachedFreelists } from "./detached-freelist.ts";
import type { SheafFastPaths } from "./fast-paths.ts";
import type { Flush } from "./flush.ts";
import type { Refill } from "./refill.ts";
import type { Sheaves } from "./sheaf.ts";
import type { SheafSlowAllocation } from "./slow-allocation.ts";
import type { SheafSlowFree } from "./slow-free.ts";
import {
  ALLOC_FASTPATH,
  ALLOC_SLOWPATH,
  BARN_GET,
  BARN_GET_FAIL,
  BARN_PUT,
  BARN_PUT_FAIL,
  FREE_FASTPATH,
  FREE_SLOWPATH,
} from "./statistics.ts";
import type { CpuSheavesPtr } from "./structs.ts";

/** Objects of other nodes that are collected before they are freed together. */
const PCS_BATCH_MAX = 32;

export interface SheafBulkParts {
  readonly context: SlubContext;
  readonly sheaves: Sheaves;
  readonly sheafLock: SheafLock;
  readonly barns: Barns;
  readonly refill: Refill;
  readonly flush: Flush;
  readonly detachedFreelists: DetachedFreelists;
  readonly slowAllocation: SheafSlowAllocation;
  readonly slowFree: SheafSlowFree;
  readonly fastPaths: SheafFastPaths;
}

export class SheafBulk {
  declare protected readonly parts: SheafBulkParts;
  declare protected readonly context: SlubContext;
  declare protected readonly memory: Memory;

  constructor(parts: SheafBulkParts) {
    this.parts = parts;
    this.context = parts.context;
    this.memory = parts.context.memory;
  }

  /** All or nothing: `size` objects in p and `size` returned, or 0. */
  alloc(s: KmemCachePtr, gfp: number, size: number, p: Address[]): number {
    if (s === 0) throw new KernelBug("bad-access", "kmem_cache_alloc_bulk: the cache is NULL");
    const got = this.fromSheaves(s, size);
    if (got.length < size) {
      for (const object of this.fromSlabs(s, gfp, size - got.length)) got.push(object);
    }
    if (got.length < size) {
      this.parts.flush.toSlabs(s, got);
      return 0;
    }
    const bytes = (gfp & __GFP_ZERO) === 0 ? 0 : this.memory.read32(s + KmemCache.objectSize);
    for (let i = 0; i < size; i++) {
      p[i] = got[i] as Address;
      if (bytes > 0) this.memory.fill(got[i] as Address, 0, bytes);
    }
    return size;
  }

  /** alloc_from_pcs_bulk: a batch is what lies on top of main, in the order of its array. */
  protected fromSheaves(s: KmemCachePtr, size: number): Address[] {
    const { sheaves, sheafLock } = this.parts;
    const got: Address[] = [];
    while (got.length < size) {
      const pcs = sheafLock.trylock(s);
      if (pcs === 0) break;
      if (!this.ensureObjects(s, pcs)) {
        sheafLock.unlock(pcs);
        break;
      }
      const main = sheafLock.main(pcs);
      const batch = sheaves.takeLast(main, Math.min(size - got.length, sheaves.size(main)));
      sheafLock.unlock(pcs);
      this.context.stat(s, ALLOC_FASTPATH, batch.length);
      got.push(...batch);
    }
    return got;
  }

  /** With the sheaf lock: whether main holds objects, if need be by an exchange. */
  protected ensureObjects(s: KmemCachePtr, pcs: CpuSheavesPtr): boolean {
    const { sheaves, sheafLock, barns } = this.parts;
    if (sheaves.size(sheafLock.main(pcs)) > 0) return true;
    const spare = sheafLock.spare(pcs);
    if (spare !== 0 && sheaves.size(spare) > 0) {
      sheafLock.swapMainAndSpare(pcs);
      return true;
    }
    const barn = barns.here(s);
    if (sheaves.capacityOf(s) === 0 || barn === 0) return false;
    const full = barns.replaceEmpty(barn, sheafLock.main(pcs), true);
    this.context.stat(s, full === 0 ? BARN_GET_FAIL : BARN_GET);
    if (full !== 0) sheafLock.setMain(pcs, full);
    return full !== 0;
  }

  /** __kmem_cache_alloc_bulk: past all sheaves. Fewer than `size` where memory runs out. */
  fromSlabs(s: KmemCachePtr, gfp: number, size: number): Address[] {
    const got: Address[] = [];
    if (!this.context.isDebug(s)) {
      for (const object of this.parts.refill.objects(s, gfp, size)) got.push(object);
      if (got.length === size) this.context.stat(s, ALLOC_SLOWPATH, size);
      return got;
    }
    while (got.length < size) {
      const object = this.parts.slowAllocation.allocate(s, gfp, NUMA_NO_NODE);
      if (object === 0) break;
      got.push(object);
    }
    return got;
  }

  /** kmem_cache_free_bulk; with s = 0 kfree_bulk, which never uses sheaves. */
  free(s: KmemCachePtr, size: number, p: Address[]): void {
    const objects = p.slice(0, size);
    if (s !== 0) this.refuseStrangers(s, objects);
    if (s !== 0 && this.parts.sheaves.capacityOf(s) !== 0) this.freeToSheaves(s, objects);
    else this.freeDetached(s, objects);
  }

  private refuseStrangers(s: KmemCachePtr, objects: readonly Address[]): void {
    const { common, pages } = this.context;
    for (const object of objects) {
      const owner = this.memory.read32(pages.virtToHeadPage(object) + Page.slabCache);
      if (owner !== s) common.wrongCache(s, owner, object);
    }
  }

  /** Chains by slab; the hooks have each chain rebuilt in the other direction. */
  protected freeDetached(s: KmemCachePtr, p: Address[]): void {
    const { detachedFreelists, slowFree } = this.parts;
    while (p.length > 0) {
      if (s === 0 && this.freesPages(p)) continue;
      const chain = detachedFreelists.take(s, p);
      slowFree.free(chain.s, chain.page, chain.objects.reverse());
      this.context.stat(chain.s, FREE_SLOWPATH, chain.objects.length);
    }
  }

  /** Whether the last of p was no object of a cache; then it is freed. */
  private freesPages(p: Address[]): boolean {
    const { common, pages } = this.context;
    const last = p.at(-1) as Address;
    if ((this.memory.readOnce(pages.virtToHeadPage(last) + Page.flags) & PG_SLAB) !== 0)
      return false;
    p.pop();
    common.kfree(last);
    return true;
  }

  /** free_to_pcs_bulk */
  private freeToSheaves(s: KmemCachePtr, p: Address[]): void {
    const { flush } = this.parts;
    const remote = this.takeRemote(s, p);
    this.fillSheaves(s, p);
    if (p.length > 0) this.toSlabs(s, p);
    if (remote.length > 0) {
      this.context.stat(s, FREE_SLOWPATH, remote.length);
      flush.toSlabs(s, remote);
    }
  }

  private toSlabs(s: KmemCachePtr, objects: Address[]): void {
    this.context.stat(s, FREE_SLOWPATH, objects.length);
    this.parts.flush.toSlabs(s, objects);
  }

  /**
   * Takes the objects that no sheaf of this CPU may hold out of p, each hole filled from the end.
   * Full batches of them are freed at once; the last, incomplete one is returned.
   */
  protected takeRemote(s: KmemCachePtr, p: Address[]): Address[] {
    let remote: Address[] = [];
    for (let i = 0; i < p.length; ) {
      const object = p[i] as Address;
      if (this.parts.fastPaths.accepts(object)) {
        i++;
        continue;
      }
      remote.push(object);
      const last = p.pop() as Address;
      if (i < p.length) p[i] = last;
      if (remote.length < PCS_BATCH_MAX) continue;
      this.toSlabs(s, remote);
      remote = [];
      if (i === p.length) this.afterLastBatch(p);
    }
    return remote;
  }

  /** The last object examined has completed a batch; `local` are those that sheaves may hold. */
  protected afterLastBatch(_local: Address[]): void {}

  /** Moves objects from the front of p into main sheaves, as long as there is room. */
  protected fillSheaves(s: KmemCachePtr, p: Address[]): void {
    const { sheaves, sheafLock } = this.parts;
    const capacity = sheaves.capacityOf(s);
    while (p.length > 0) {
      const pcs = sheafLock.trylock(s);
      if (pcs === 0) return;
      if (!this.ensureRoom(s, pcs)) {
        sheafLock.unlock(pcs);
        return;
      }
      const main = sheafLock.main(pcs);
      const batch = p.splice(0, capacity - sheaves.size(main));
      for (const object of batch) sheaves.push(main, object);
      sheafLock.unlock(pcs);
      this.context.stat(s, FREE_FASTPATH, batch.length);
    }
  }

  /** With the sheaf lock: whether main has room, if need be by an exchange. */
  protected ensureRoom(s: KmemCachePtr, pcs: CpuSheavesPtr): boolean {
    const { sheaves, sheafLock, barns } = this.parts;
    const capacity = sheaves.capacityOf(s);
    const main = sheafLock.main(pcs);
    if (sheaves.size(main) < capacity) return true;
    const barn = barns.here(s);
    if (barn === 0) return false;
    const spare = sheafLock.spare(pcs);
    if (spare !== 0 && sheaves.size(spare) < capacity) {
      sheafLock.swapMainAndSpare(pcs);
      return true;
    }
    if (spare === 0) {
      const empty = barns.getEmpty(barn, true);
      if (empty === 0) return false;
      sheafLock.setSpare(pcs, main);
      sheafLock.setMain(pcs, empty);
      return true;
    }
    const empty = barns.replaceFull(barn, main, true);
    this.context.stat(s, typeof empty === "number" ? BARN_PUT : BARN_PUT_FAIL);
    if (typeof empty !== "number") return false;
    sheafLock.setMain(pcs, empty);
    return true;
  }
}
