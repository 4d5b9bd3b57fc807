// SPDX-License-Identifier: GPL-2.0-only
/** The calls of SLUB since 6.18, with some of them exchanged by a checker. */
import type { SheafCalls } from "./allocator.ts";

export function withSheafCalls(calls: SheafCalls, exchanged: Partial<SheafCalls>): SheafCalls {
  return {
    kfreeRcu: (s, object) => calls.kfreeRcu(s, object),
    flushRcuSheaves: (s) => calls.flushRcuSheaves(s),
    prefillSheaf: (s, gfp, size) => calls.prefillSheaf(s, gfp, size),
    allocFromSheaf: (s, gfp, sheaf) => calls.allocFromSheaf(s, gfp, sheaf),
    refillSheaf: (s, gfp, sheaf, size) => calls.refillSheaf(s, gfp, sheaf, size),
    sheafSize: (s, sheaf) => calls.sheafSize(s, sheaf),
    returnSheaf: (s, gfp, sheaf) => calls.returnSheaf(s, gfp, sheaf),
    allocNolock: (s, gfp, node) => calls.allocNolock(s, gfp, node),
    freeNolock: (s, object) => calls.freeNolock(s, object),
    deferFreeBarrier: () => calls.deferFreeBarrier(),
    ...exchanged,
  };
}
