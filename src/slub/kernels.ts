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
import { CpuPartialUnfrozen } from "./cpu-slab/cpu-partial-unfrozen.ts";
import { DeactivationSpliced } from "./cpu-slab/deactivation-spliced.ts";
import { DeactivationUnfrozen } from "./cpu-slab/deactivation-unfrozen.ts";
import { CpuSlabFrontInterruptible } from "./cpu-slab/front-interruptible.ts";
import { PartialSearchBySlabs } from "./cpu-slab/partial-search-by-slabs.ts";
import { PartialSearchUnfrozen } from "./cpu-slab/partial-search-unfrozen.ts";
import { CPU_SLAB_PARTS, type CpuSlabParts } from "./cpu-slab/parts.ts";
import { SlowAllocationInterruptible } from "./cpu-slab/slow-allocation-interruptible.ts";
import { SlowFreeDebugApart } from "./cpu-slab/slow-free-debug-apart.ts";
import { SlowFreeUnfrozen } from "./cpu-slab/slow-free-unfrozen.ts";
import { Slub } from "./cpu-slab/slub.ts";
import { MarkedPartial } from "./marked-partial.ts";
import { ObjectDebuggingByFlag } from "./object-debugging-by-flag.ts";
import { SlubObserver } from "./observer/slub-observer.ts";
import { BulkCounted } from "./opt-in/bulk-counted.ts";
import { OptInLifetime } from "./opt-in/cache-lifetime.ts";
import { OptInFront } from "./opt-in/front.ts";
import { OptInHotplug } from "./opt-in/hotplug.ts";
import { OptInObserver } from "./opt-in/observer/observer.ts";
import { OPT_IN_SHEAF_PARTS, type OptInSheafParts } from "./opt-in/parts.ts";
import { OptInSlowAllocation } from "./opt-in/slow-allocation.ts";
import { OptInSlub } from "./opt-in/slub.ts";
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

/** Cpu slabs, alone or with sheaves above them. */
export interface SlubClasses extends LayerParts, CpuSlabParts {
  readonly allocator: "slub";
  readonly front: "cpu-slab" | "cpu-slab-and-sheaves";
  Allocator: typeof Slub;
  Observer: typeof SlubObserver;
}

export interface SheafClasses extends SheafLayerParts, SheafParts {
  readonly allocator: "slub";
  readonly front: "sheaves";
  Allocator: typeof SheafSlub;
  Observer: typeof SheafObserver;
}

export interface CpuSlabClasses extends SlubClasses {
  readonly front: "cpu-slab";
}

/** Cpu slabs, with sheaves for caches that ask for them. */
export interface OptInClasses extends SlubClasses, OptInSheafParts {
  readonly front: "cpu-slab-and-sheaves";
  NodePartial: typeof MarkedPartial;
  Allocator: typeof OptInSlub;
  Observer: typeof OptInObserver;
}

const SLUB_4_1: CpuSlabClasses = {
  allocator: "slub",
  front: "cpu-slab",
  ...LAYER_PARTS,
  ...CPU_SLAB_PARTS,
  Allocator: Slub,
  Observer: SlubObserver,
};

const SLUB_6_1: CpuSlabClasses = {
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

const SLUB_6_19: OptInClasses = {
  ...SLUB_6_1,
  ...OPT_IN_SHEAF_PARTS,
  front: "cpu-slab-and-sheaves",
  Allocator: OptInSlub,
  Observer: OptInObserver,
  // Linux 6.8: only cpu slabs are frozen, and a slab on a node's list is marked
  NodePartial: MarkedPartial,
  SlowFree: SlowFreeUnfrozen,
  CpuPartial: CpuPartialUnfrozen,
  PartialSearch: PartialSearchUnfrozen,
  Deactivation: DeactivationUnfrozen,
  // Linux 6.18: sheaves for caches that ask for them
  SlowAllocation: OptInSlowAllocation,
  CpuSlabFront: OptInFront,
  CacheLifetime: OptInLifetime,
  Hotplug: OptInHotplug,
  Bulk: BulkCounted,
};

const SLUB_7_1: SheafClasses = {
  allocator: "slub",
  front: "sheaves",
  ...SHEAF_LAYER_PARTS,
  ...SHEAF_PARTS,
  Allocator: SheafSlub,
  Observer: SheafObserver,
};

export const SLUB_KERNELS: Readonly<
  Record<KernelVersion, CpuSlabClasses | OptInClasses | SheafClasses>
> = {
  "4.1": SLUB_4_1,
  "6.1": SLUB_6_1,
  "6.19": SLUB_6_19,
  "7.1": SLUB_7_1,
};
