// SPDX-License-Identifier: GPL-2.0-only
/** The classes the cpu slab front is composed of, on top of the slab layer's. */
import { Bulk } from "./bulk.ts";
import { CpuPartial } from "./cpu-partial.ts";
import { CpuSlab } from "./cpu-slab.ts";
import { Deactivation } from "./deactivation.ts";
import { CpuSlabFront } from "./front.ts";
import { PartialSearch } from "./partial-search.ts";
import { SlowAllocation } from "./slow-allocation.ts";
import { SlowFree } from "./slow-free.ts";

export const CPU_SLAB_PARTS = {
  CpuSlab,
  CpuPartial,
  Deactivation,
  CpuSlabFront,
  PartialSearch,
  SlowAllocation,
  SlowFree,
  Bulk,
};

export type CpuSlabParts = typeof CPU_SLAB_PARTS;
