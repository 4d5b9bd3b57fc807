// SPDX-License-Identifier: GPL-2.0-only
/**
 * Which classes make which version of SLUB: one flat table each, of the slab layer's parts, the
 * front's parts, and the allocator that composes them. A version is the one before it with some
 * classes exchanged. Options and mutations exchange classes of the table that runs.
 */
import type { KernelVersion } from "../caches/kernel-version.ts";
import { CacheLifetimeBySlabs } from "./cache-lifetime-by-slabs.ts";
import { BulkInterruptible } from "./cpu-slab/bulk-interruptible.ts";
import { CpuPartialBySlabs } from "./cpu-slab/cpu-partial-by-slabs.ts";
import { DeactivationSpliced } from "./cpu-slab/deactivation-spliced.ts";
import { CpuSlabFrontInterruptible } from "./cpu-slab/front-interruptible.ts";
import { PartialSearchBySlabs } from "./cpu-slab/partial-search-by-slabs.ts";
import { CPU_SLAB_PARTS, type CpuSlabParts } from "./cpu-slab/parts.ts";
import { SlowAllocationInterruptible } from "./cpu-slab/slow-allocation-interruptible.ts";
import { SlowFreeDebugApart } from "./cpu-slab/slow-free-debug-apart.ts";
import { Slub } from "./cpu-slab/slub.ts";
import { ObjectDebuggingByFlag } from "./object-debugging-by-flag.ts";
import { SlubObserver } from "./observer/slub-observer.ts";
import { LAYER_PARTS, type LayerParts } from "./parts.ts";
import { SheafObserver } from "./sheaves/observer/sheaf-observer.ts";
import {
  SHEAF_LAYER_PARTS,
  SHEAF_PARTS,
  type SheafLayerParts,
  type SheafParts,
} from "./sheaves/parts.ts";
import { SheafSlub } from "./sheaves/slub.ts";
import { SlabPagesUncounted } from "./slab-pages-uncounted.ts";

export interface SlubClasses extends LayerParts, CpuSlabParts {
  readonly allocator: "slub";
  readonly front: "cpu-slab";
  Allocator: typeof Slub;
  Observer: typeof SlubObserver;
}

export interface SheafClasses extends SheafLayerParts, SheafParts {
  readonly allocator: "slub";
  readonly front: "sheaves";
  Allocator: typeof SheafSlub;
  Observer: typeof SheafObserver;
}

const SLUB_4_1: SlubClasses = {
  allocator: "slub",
  front: "cpu-slab",
  ...LAYER_PARTS,
  ...CPU_SLAB_PARTS,
  Allocator: Slub,
  Observer: SlubObserver,
};

const SLUB_6_1: SlubClasses = {
  ...SLUB_4_1,
  // Linux 4.7: debug caches check what SLAB_CONSISTENCY_CHECKS asks for
  ObjectDebugging: ObjectDebuggingByFlag,
  // Linux 5.13: a private list goes back whole
  Deactivation: DeactivationSpliced,
  // Linux 5.15: interrupts are off only where the words of a CPU change
  CpuSlabFront: CpuSlabFrontInterruptible,
  SlowAllocation: SlowAllocationInterruptible,
  Bulk: BulkInterruptible,
  // Linux 5.16: cpu partial lists are counted in slabs
  CpuPartial: CpuPartialBySlabs,
  PartialSearch: PartialSearchBySlabs,
  CacheLifetime: CacheLifetimeBySlabs,
  // Linux 6.1: list_lock guards all of a debug cache (c7323a5ad078)
  SlowFree: SlowFreeDebugApart,
  SlabPages: SlabPagesUncounted,
};

const SLUB_7_1: SheafClasses = {
  allocator: "slub",
  front: "sheaves",
  ...SHEAF_LAYER_PARTS,
  ...SHEAF_PARTS,
  Allocator: SheafSlub,
  Observer: SheafObserver,
};

export const SLUB_KERNELS: Readonly<Record<KernelVersion, SlubClasses | SheafClasses>> = {
  "4.1": SLUB_4_1,
  "6.1": SLUB_6_1,
  "7.1": SLUB_7_1,
};
