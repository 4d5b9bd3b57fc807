/**
 * The classes SLUB is composed of. Each owns one piece of state or one path; whoever wants a
 * different SLUB (an option, an era, a deliberate bug) puts a subclass in place of one.
 */
import { Bootstrap } from "./bootstrap.ts";
import { CacheLifetime } from "./cache-lifetime.ts";
import { Bulk } from "./cpu-slab/bulk.ts";
import { CpuPartial } from "./cpu-slab/cpu-partial.ts";
import { Deactivation } from "./cpu-slab/deactivation.ts";
import { PartialSearch } from "./cpu-slab/partial-search.ts";
import { SlowAllocation } from "./cpu-slab/slow-allocation.ts";
import { SlowFree } from "./cpu-slab/slow-free.ts";
import { FreePointers } from "./free-pointers.ts";
import { NodePartial } from "./node-partial.ts";
import { ObjectDebugging } from "./object-debugging.ts";
import { PageSwap } from "./page-swap.ts";
import { SlabPages } from "./slab-pages.ts";

export const SLUB_PARTS = {
  FreePointers,
  ObjectDebugging,
  PageSwap,
  NodePartial,
  SlabPages,
  CpuPartial,
  Deactivation,
  PartialSearch,
  SlowAllocation,
  SlowFree,
  Bulk,
  CacheLifetime,
  Bootstrap,
};

export type SlubParts = typeof SLUB_PARTS;
