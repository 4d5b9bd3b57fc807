// SPDX-License-Identifier: GPL-2.0-only
/**
 * __pcs_replace_empty_main and __pcs_replace_full_main: another main sheaf for this CPU, in order of
 * effort: the spare, the barn, a sheaf that is made or refilled, which needs the lock dropped. After
 * that this may be another CPU, or its sheaves be others; each state found has its rule.
 *
 * Both are called with the sheaf lock held and return what is locked now, or 0 with the lock dropped.
 */
import { __GFP_NOWARN, GFP_NOWAIT } from "../../pages/gfp.ts";
import { allowsSpinning } from "../gfp.ts";
import type { SlubContext } from "../slub-context.ts";
import type { KmemCachePtr } from "../structs.ts";
import type { Barns } from "./barn.ts";
import type { SheafLock } from "./cpu-sheaves.ts";
import type { Flush } from "./flush.ts";
import type { Refill } from "./refill.ts";
import type { Sheaves } from "./sheaf.ts";
import { BARN_GET, BARN_GET_FAIL, BARN_PUT, BARN_PUT_FAIL } from "./statistics.ts";
import type { BarnPtr, CpuSheavesPtr, SheafPtr } from "./structs.ts";

export interface MainSheafParts {
  readonly context: SlubContext;
  readonly sheaves: Sheaves;
  readonly sheafLock: SheafLock;
  readonly barns: Barns;
  readonly refill: Refill;
  readonly flush: Flush;
}

export class MainSheaf {
  declare protected readonly parts: MainSheafParts;
  declare protected readonly context: SlubContext;
  declare protected readonly sheaves: Sheaves;
  declare protected readonly lock: SheafLock;
  declare protected readonly barns: Barns;

  constructor(parts: MainSheafParts) {
    this.parts = parts;
    this.context = parts.context;
    this.sheaves = parts.sheaves;
    this.lock = parts.sheafLock;
    this.barns = parts.barns;
  }

  // ---- empty: a main sheaf with objects ----

  /** With the lock: main is not empty any more. */
  replaceEmpty(s: KmemCachePtr, pcs: CpuSheavesPtr, gfp: number): CpuSheavesPtr {
    const { lock, barns, sheaves } = this;
    if (sheaves.capacityOf(s) === 0) return this.giveUp(pcs);
    const spare = lock.spare(pcs);
    if (spare !== 0 && sheaves.size(spare) > 0) {
      lock.swapMainAndSpare(pcs);
      return pcs;
    }
    const barn = barns.here(s);
    if (barn === 0) return this.giveUp(pcs);
    const full = barns.replaceEmpty(barn, lock.main(pcs), allowsSpinning(gfp));
    if (full !== 0) {
      this.context.stat(s, BARN_GET);
      lock.setMain(pcs, full);
      return pcs;
    }
    this.context.stat(s, BARN_GET_FAIL);
    if (!this.mayRefill(gfp)) return this.giveUp(pcs);
    if (spare !== 0) lock.setSpare(pcs, 0);
    const empty = spare !== 0 ? spare : barns.getEmpty(barn, true);
    lock.unlock(pcs);
    const refilled = this.refilled(s, empty, gfp);
    return refilled === 0 ? 0 : this.installFull(s, refilled, barn);
  }

  /** Whether slabs may be asked for objects. */
  protected mayRefill(gfp: number): boolean {
    return allowsSpinning(gfp);
  }

  /** A full sheaf, made of an empty one if there is one; or 0 and nothing is left of it. */
  private refilled(s: KmemCachePtr, empty: SheafPtr, gfp: number): SheafPtr {
    const sheaf = empty !== 0 ? empty : this.sheaves.allocEmpty(s, gfp);
    if (sheaf === 0) return 0;
    if (this.parts.refill.sheaf(s, sheaf, gfp | __GFP_NOWARN)) return sheaf;
    this.dropUnfilled(s, sheaf);
    return 0;
  }

  /** Memory ran out before the sheaf was full. */
  protected dropUnfilled(s: KmemCachePtr, sheaf: SheafPtr): void {
    this.parts.flush.sheafAndFree(s, sheaf);
  }

  protected installFull(s: KmemCachePtr, full: SheafPtr, barn: BarnPtr): CpuSheavesPtr {
    const { lock, barns, sheaves } = this;
    const pcs = this.relock(s);
    if (pcs === 0) {
      this.putFull(s, barn, full);
      return 0;
    }
    const main = lock.main(pcs);
    const spare = lock.spare(pcs);
    if (sheaves.size(main) === 0) {
      this.keepEmpty(pcs, main, barn);
      lock.setMain(pcs, full);
    } else if (spare === 0) {
      lock.setSpare(pcs, full);
    } else if (sheaves.size(spare) === 0) {
      barns.putEmpty(barn, spare);
      lock.setSpare(pcs, full);
    } else {
      this.putFull(s, barn, full);
    }
    return pcs;
  }

  protected relock(s: KmemCachePtr): CpuSheavesPtr {
    return this.lock.trylock(s);
  }

  /** With the lock: main has been used up, and another takes its place. */
  protected keepEmpty(pcs: CpuSheavesPtr, main: SheafPtr, barn: BarnPtr): void {
    if (this.lock.spare(pcs) === 0) this.lock.setSpare(pcs, main);
    else this.barns.putEmpty(barn, main);
  }

  // ---- full: a main sheaf with room ----

  /** With the lock: main has room again. */
  replaceFull(s: KmemCachePtr, locked: CpuSheavesPtr, maySpin: boolean): CpuSheavesPtr {
    let pcs = locked;
    for (;;) {
      const replaced = this.replaceFullOnce(s, pcs, maySpin);
      if (replaced !== RESTART) return replaced;
      pcs = this.lock.trylock(s);
      if (pcs === 0) return 0;
      if (this.hasRoom(s, this.lock.main(pcs))) return pcs;
    }
  }

  private replaceFullOnce(
    s: KmemCachePtr,
    pcs: CpuSheavesPtr,
    maySpin: boolean,
  ): CpuSheavesPtr | typeof RESTART {
    const { lock, barns } = this;
    if (this.sheaves.capacityOf(s) === 0) return this.giveUp(pcs);
    const barn = barns.here(s);
    if (barn === 0) return this.giveUp(pcs);
    const spare = lock.spare(pcs);
    let failed = false;
    if (spare === 0) {
      const empty = barns.getEmpty(barn, maySpin);
      if (empty !== 0) {
        lock.setSpare(pcs, lock.main(pcs));
        lock.setMain(pcs, empty);
        return pcs;
      }
    } else if (this.hasRoom(s, spare)) {
      lock.swapMainAndSpare(pcs);
      return pcs;
    } else {
      const empty = barns.replaceFull(barn, lock.main(pcs), maySpin);
      if (typeof empty === "number") {
        this.context.stat(s, BARN_PUT);
        lock.setMain(pcs, empty);
        return pcs;
      }
      if (empty === "E2BIG" && maySpin) return this.flushSpare(s, pcs, barn);
      failed = true;
    }
    lock.unlock(pcs);
    if (!maySpin) return 0;
    const made = this.sheaves.allocEmpty(s, GFP_NOWAIT | __GFP_NOWARN);
    if (made !== 0) return this.installEmpty(s, made, barn);
    if (failed) this.context.stat(s, BARN_PUT_FAIL);
    return this.parts.flush.main(s, () => lock.trylock(s)) ? RESTART : 0;
  }

  /** The barn has enough full sheaves: the older of ours is emptied and used. */
  private flushSpare(s: KmemCachePtr, pcs: CpuSheavesPtr, barn: BarnPtr): CpuSheavesPtr {
    const { lock } = this;
    const spare = lock.spare(pcs);
    this.context.stat(s, BARN_PUT_FAIL);
    lock.setSpare(pcs, 0);
    lock.unlock(pcs);
    this.parts.flush.sheaf(s, spare);
    return this.installEmpty(s, spare, barn);
  }

  private installEmpty(s: KmemCachePtr, empty: SheafPtr, barn: BarnPtr): CpuSheavesPtr {
    const { lock, barns } = this;
    const pcs = lock.trylock(s);
    if (pcs === 0) {
      barns.putEmpty(barn, empty);
      return 0;
    }
    const main = lock.main(pcs);
    const spare = lock.spare(pcs);
    if (spare === 0) {
      lock.setSpare(pcs, main);
      lock.setMain(pcs, empty);
    } else if (this.hasRoom(s, main)) {
      barns.putEmpty(barn, empty);
    } else if (this.hasRoom(s, spare)) {
      lock.swapMainAndSpare(pcs);
      barns.putEmpty(barn, empty);
    } else {
      this.putFull(s, barn, main);
      lock.setMain(pcs, empty);
    }
    return pcs;
  }

  private hasRoom(s: KmemCachePtr, sheaf: SheafPtr): boolean {
    return this.sheaves.size(sheaf) < this.sheaves.capacityOf(s);
  }

  private putFull(s: KmemCachePtr, barn: BarnPtr, full: SheafPtr): void {
    this.barns.putFull(barn, full);
    this.context.stat(s, BARN_PUT);
  }

  private giveUp(pcs: CpuSheavesPtr): CpuSheavesPtr {
    this.lock.unlock(pcs);
    return 0;
  }
}

/** The main sheaf was flushed, and all is to be looked at anew. */
const RESTART = -1;
