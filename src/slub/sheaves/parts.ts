// SPDX-License-Identifier: GPL-2.0-only
/** The classes the sheaf front is composed of, on top of the slab layer's. */

import { MarkedPartial } from "../marked-partial.ts";
import { LAYER_PARTS } from "../parts.ts";
import { SlabPagesUncounted } from "../slab-pages-uncounted.ts";
import { Barns } from "./barn.ts";
import { SheafBootstrap } from "./bootstrap.ts";
import { SheafBulk } from "./bulk.ts";
import { SheafLifetime } from "./cache-lifetime.ts";
import { SheafLock } from "./cpu-sheaves.ts";
import { DeferredFrees } from "./deferred-frees.ts";
import { DetachedFreelists } from "./detached-freelist.ts";
import { SheafFastPaths } from "./fast-paths.ts";
import { Flush } from "./flush.ts";
import { SheafFront } from "./front.ts";
import { MainSheaf } from "./main-sheaf.ts";
import { OtherNodes } from "./other-nodes.ts";
import { Prefill } from "./prefill.ts";
import { RcuSheaves } from "./rcu-sheaves.ts";
import { Refill } from "./refill.ts";
import { Sheaves } from "./sheaf.ts";
import { SheafSlowAllocation } from "./slow-allocation.ts";
import { SheafSlowFree } from "./slow-free.ts";

export const SHEAF_PARTS = {
  Sheaves,
  SheafLock,
  Barns,
  OtherNodes,
  DetachedFreelists,
  SheafSlowFree,
  SheafSlowAllocation,
  Refill,
  Flush,
  MainSheaf,
  SheafFastPaths,
  SheafBulk,
  Prefill,
  RcuSheaves,
  DeferredFrees,
  SheafFront,
};

export type SheafParts = typeof SHEAF_PARTS;

/** The layer's parts, some as 7.1 has them. */
export const SHEAF_LAYER_PARTS = {
  ...LAYER_PARTS,
  NodePartial: MarkedPartial,
  SlabPages: SlabPagesUncounted,
  CacheLifetime: SheafLifetime,
  Bootstrap: SheafBootstrap,
};

export type SheafLayerParts = typeof SHEAF_LAYER_PARTS;
