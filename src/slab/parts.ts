/**
 * The classes SLAB is composed of, in its two forms. Each owns one piece of state or one path;
 * whoever wants a different SLAB (an option, a deliberate bug) puts a subclass in place of one.
 */
import { AlienCaches } from "./alien.ts";
import { Bootstrap } from "./bootstrap.ts";
import { Bulk } from "./bulk.ts";
import { CacheLifetime } from "./cache-lifetime.ts";
import { Drain } from "./drain.ts";
import { Flush } from "./flush.ts";
import { FreeBlock } from "./free-block.ts";
import { NewerFreeBlock } from "./free-block-newer.ts";
import { Grow } from "./grow.ts";
import { NewerGrow } from "./grow-newer.ts";
import { IndexArray } from "./index-array.ts";
import { NewerIndexArray } from "./index-array-newer.ts";
import { NodeAllocation } from "./node-allocation.ts";
import { NewerNodeAllocation } from "./node-allocation-newer.ts";
import { NodeLists } from "./node-lists.ts";
import { NodeSetup } from "./node-setup.ts";
import { NewerNodeSetup } from "./node-setup-newer.ts";
import { Reaper } from "./reaper.ts";
import { Refill } from "./refill.ts";
import { NewerRefill } from "./refill-newer.ts";
import { SlabPages } from "./slab-pages.ts";
import { Tuning } from "./tuning.ts";

/** As in 4.1 (seeds 000, 002, 004). */
export const OLDER_PARTS = {
  IndexArray,
  NodeLists,
  SlabPages,
  Grow,
  Refill,
  FreeBlock,
  Flush,
  AlienCaches,
  NodeAllocation,
  Drain,
  NodeSetup,
  Tuning,
  Reaper,
  CacheLifetime,
  Bootstrap,
  Bulk,
};

export type SlabParts = typeof OLDER_PARTS;

/** As in 5.10 and 6.1 (seed 001). */
export const NEWER_PARTS: SlabParts = {
  ...OLDER_PARTS,
  IndexArray: NewerIndexArray,
  Grow: NewerGrow,
  Refill: NewerRefill,
  FreeBlock: NewerFreeBlock,
  NodeAllocation: NewerNodeAllocation,
  NodeSetup: NewerNodeSetup,
};
