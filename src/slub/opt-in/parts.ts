// SPDX-License-Identifier: GPL-2.0-only
/** The classes that sheaves above cpu slabs are composed of. */
import { SHEAF_PARTS } from "../sheaves/parts.ts";
import { BarnsOfMemory } from "./barns.ts";
import { OptInBulk } from "./bulk.ts";
import { OptInDeferredFrees } from "./deferred-frees.ts";
import { OptInFastPaths } from "./fast-paths.ts";
import { OptInMainSheaf } from "./main-sheaf.ts";
import { OptInPrefill } from "./prefill.ts";
import { OptInRcuSheaves } from "./rcu-sheaves.ts";
import { RefillFromCpuSlab } from "./refill.ts";
import { OptInSheafFront } from "./sheaf-front.ts";
import { OptInSheaves } from "./sheaves.ts";
import { FreeToCpuSlab } from "./slow-free.ts";

export const OPT_IN_SHEAF_PARTS = {
  ...SHEAF_PARTS,
  Barns: BarnsOfMemory,
  SheafSlowFree: FreeToCpuSlab,
  Refill: RefillFromCpuSlab,
  MainSheaf: OptInMainSheaf,
  SheafFastPaths: OptInFastPaths,
  SheafBulk: OptInBulk,
  Prefill: OptInPrefill,
  RcuSheaves: OptInRcuSheaves,
  DeferredFrees: OptInDeferredFrees,
  SheafFront: OptInSheafFront,
  OptInSheaves,
};

export type OptInSheafParts = typeof OPT_IN_SHEAF_PARTS;
