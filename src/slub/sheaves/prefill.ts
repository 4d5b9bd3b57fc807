// SPDX-License-Identifier: GPL-2.0-only
/**
 * Sheaves that a caller holds: filled beforehand, so that allocations that must not fail or wait find
 * their objects (kmem_cache_prefill_sheaf and its like).
 */
import { hex } from "../../machine/hex.ts";
import { KernelBug } from "../../machine/kernel-bug.ts";
import type { Address, Memory } from "../../machine/memory.ts";
import type { SlubContext } from "../slub-context.ts";
import type { KmemCachePtr } from "../structs.ts";
import { type Barns, MAX_FULL_SHEAVES } from "./barn.ts";
import type { SheafBulk } from "./bulk.ts";
import type { SheafLock } from "./cpu-sheaves.ts";
import type { Flush } from "./flush.ts";
import type { Refill } from "./refill.ts";
import type { Sheaves } from "./sheaf.ts";
import {
  BARN_GET,
  BARN_GET_FAIL,
  BARN_PUT,
  SHEAF_PREFILL_FAST,
  SHEAF_PREFILL_OVERSIZE,
  SHEAF_PREFILL_SLOW,
  SHEAF_RETURN_FAST,
  SHEAF_RETURN_SLOW,
} from "./statistics.ts";
import { PREFILLED, Sheaf, type SheafPtr } from "./structs.ts";

export interface PrefillParts {
  readonly context: SlubContext;
  readonly sheaves: Sheaves;
  readonly sheafLock: SheafLock;
  readonly barns: Barns;
  readonly refill: Refill;
  readonly flush: Flush;
  readonly bulk: SheafBulk;
}

export class Prefill {
  declare protected readonly parts: PrefillParts;
  declare protected readonly context: SlubContext;
  declare protected readonly memory: Memory;

  constructor(parts: PrefillParts) {
    this.parts = parts;
    this.context = parts.context;
    this.memory = parts.context.memory;
  }

  /** Whether a sheaf for no objects is no sheaf. */
  protected readonly refusesNothing: boolean = true;

  /** kmem_cache_prefill_sheaf: at least `size` objects in a sheaf of the caller's; or 0. */
  prefill(s: KmemCachePtr, gfp: number, size: number): SheafPtr {
    const { sheaves, refill, flush } = this.parts;
    if (size === 0 && this.refusesNothing) return 0;
    if (size > sheaves.capacityOf(s)) return this.prefillOversize(s, gfp, size);
    const sheaf = this.takeSheaf(s) || sheaves.allocEmpty(s, gfp);
    if (sheaf === 0) return 0;
    if (sheaves.size(sheaf) >= size || refill.sheaf(s, sheaf, gfp)) return this.marked(sheaf);
    flush.sheafAndFree(s, sheaf);
    return 0;
  }

  private marked(sheaf: SheafPtr): SheafPtr {
    this.memory.writeOnce(sheaf + Sheaf.mark, PREFILLED);
    return sheaf;
  }

  /**
   * The kernel trusts its callers; here the sheaf must be one of the cache's that prefill has handed
   * out and nobody has returned since. @throws KernelBug
   */
  protected refuseStranger(call: string, s: KmemCachePtr, sheaf: SheafPtr): void {
    const why = this.whyStrange(s, sheaf);
    if (why !== undefined) throw new KernelBug("bad-access", `${call}: ${hex(sheaf)} ${why}`);
  }

  private whyStrange(s: KmemCachePtr, sheaf: SheafPtr): string | undefined {
    const { memory } = this;
    const { pages, common } = this.context;
    const isThere = Number.isInteger(sheaf) && (sheaf & 7) === 0 && pages.virtAddrValid(sheaf);
    if (!isThere || memory.readOnce(sheaf + Sheaf.mark) !== PREFILLED) {
      return "is no prefilled sheaf, or was returned before";
    }
    const owner = memory.read32(sheaf + Sheaf.cache);
    return owner === s
      ? undefined
      : `is a sheaf of ${common.nameOf(owner)}, not of ${common.nameOf(s)}`;
  }

  /** The spare, whatever it holds, or a sheaf of the barn; 0: neither. */
  protected takeSheaf(s: KmemCachePtr): SheafPtr {
    const { sheaves, sheafLock, barns } = this.parts;
    const pcs = sheafLock.lock(s);
    const spare = sheafLock.spare(pcs);
    let sheaf = spare;
    if (spare !== 0) {
      sheafLock.setSpare(pcs, 0);
      this.context.stat(s, SHEAF_PREFILL_FAST);
    } else {
      this.context.stat(s, SHEAF_PREFILL_SLOW);
      const barn = barns.here(s);
      sheaf = barn === 0 ? 0 : barns.getFullOrEmpty(barn);
      const isUseful = sheaf !== 0 && sheaves.size(sheaf) > 0;
      this.context.stat(s, isUseful ? BARN_GET : BARN_GET_FAIL);
    }
    sheafLock.unlock(pcs);
    return sheaf;
  }

  /** More than a sheaf of this cache holds: a sheaf that is only ever the caller's. */
  protected prefillOversize(s: KmemCachePtr, gfp: number, size: number): SheafPtr {
    const { sheaves } = this.parts;
    const sheaf = sheaves.make(s, gfp, size);
    if (sheaf === 0) return 0;
    this.context.stat(s, SHEAF_PREFILL_OVERSIZE);
    if (this.fillOversize(s, sheaf, gfp)) return this.marked(sheaf);
    this.context.common.kfree(sheaf);
    return 0;
  }

  private fillOversize(s: KmemCachePtr, sheaf: SheafPtr, gfp: number): boolean {
    const { sheaves, bulk, flush } = this.parts;
    const wanted = this.capacity(sheaf) - sheaves.size(sheaf);
    const objects = bulk.fromSlabs(s, gfp, wanted);
    if (objects.length < wanted) {
      flush.toSlabs(s, objects);
      return false;
    }
    for (const object of objects) sheaves.push(sheaf, object);
    return true;
  }

  /** kmem_cache_sheaf_size */
  size(s: KmemCachePtr, sheaf: SheafPtr): number {
    this.refuseStranger("kmem_cache_sheaf_size", s, sheaf);
    return this.parts.sheaves.size(sheaf);
  }

  /** kmem_cache_alloc_from_sheaf: an object, or 0 where the sheaf is empty. */
  alloc(s: KmemCachePtr, sheaf: SheafPtr): Address {
    const { sheaves } = this.parts;
    this.refuseStranger("kmem_cache_alloc_from_sheaf", s, sheaf);
    return sheaves.size(sheaf) === 0 ? 0 : sheaves.pop(sheaf);
  }

  /**
   * kmem_cache_refill_sheaf: the sheaf, or another in its place, with at least `size` objects; 0: no
   * memory, and the sheaf is as it was.
   */
  refill(s: KmemCachePtr, gfp: number, sheaf: SheafPtr, size: number): SheafPtr {
    const { sheaves, refill } = this.parts;
    this.refuseStranger("kmem_cache_refill_sheaf", s, sheaf);
    if (sheaves.size(sheaf) >= size) return sheaf;
    if (this.capacity(sheaf) >= size) {
      const isRegular = this.capacity(sheaf) === sheaves.capacityOf(s);
      const filled = isRegular ? refill.sheaf(s, sheaf, gfp) : this.fillOversize(s, sheaf, gfp);
      return filled ? sheaf : 0;
    }
    const larger = this.prefill(s, gfp, size);
    if (larger !== 0) this.giveBack(s, gfp, sheaf);
    return larger;
  }

  /** kmem_cache_return_sheaf */
  giveBack(s: KmemCachePtr, gfp: number, sheaf: SheafPtr): void {
    const { sheaves, sheafLock, barns, refill, flush } = this.parts;
    this.refuseStranger("kmem_cache_return_sheaf", s, sheaf);
    this.memory.writeOnce(sheaf + Sheaf.mark, 0);
    if (this.capacity(sheaf) !== sheaves.capacityOf(s)) {
      flush.sheaf(s, sheaf);
      this.context.common.kfree(sheaf);
      return;
    }
    const pcs = sheafLock.lock(s);
    const barn = barns.here(s);
    const isSpare = sheafLock.spare(pcs) === 0;
    if (isSpare) sheafLock.setSpare(pcs, sheaf);
    this.context.stat(s, isSpare ? SHEAF_RETURN_FAST : SHEAF_RETURN_SLOW);
    sheafLock.unlock(pcs);
    if (isSpare) return;
    const isWanted = barn !== 0 && barns.nrFull(barn) < MAX_FULL_SHEAVES;
    if (!isWanted || !refill.sheaf(s, sheaf, gfp)) {
      flush.sheafAndFree(s, sheaf);
      return;
    }
    barns.putFull(barn, sheaf);
    this.context.stat(s, BARN_PUT);
  }

  capacity(sheaf: SheafPtr): number {
    return this.memory.read32(sheaf + Sheaf.capacity);
  }
}
