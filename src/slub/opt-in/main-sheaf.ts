// SPDX-License-Identifier: GPL-2.0-only
/**
 * Another main sheaf for this CPU, as 6.18 and 6.19 come to it: a sheaf is only filled for a caller that
 * may sleep, so the lock is waited for afterwards; and the empty main sheaf goes to the barn.
 */
import { __GFP_WAIT } from "../../pages/gfp.ts";
import { MainSheaf } from "../sheaves/main-sheaf.ts";
import type { BarnPtr, CpuSheavesPtr, SheafPtr } from "../sheaves/structs.ts";
import type { KmemCachePtr } from "../structs.ts";

export class OptInMainSheaf extends MainSheaf {
  protected override mayRefill(gfp: number): boolean {
    return (gfp & __GFP_WAIT) !== 0;
  }

  protected override relock(s: KmemCachePtr): CpuSheavesPtr {
    return this.lock.lock(s);
  }

  /** The refill got nothing, so the sheaf is empty. */
  protected override dropUnfilled(s: KmemCachePtr, sheaf: SheafPtr): void {
    this.sheaves.freeEmpty(s, sheaf);
  }

  protected override keepEmpty(_pcs: CpuSheavesPtr, main: SheafPtr, barn: BarnPtr): void {
    this.barns.putEmpty(barn, main);
  }
}
