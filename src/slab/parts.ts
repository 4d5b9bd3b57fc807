// SPDX-License-Identifier: GPL-2.0-only
/**
 * The classes SLAB 4.1 is composed of; kernels.ts says which of them later versions exchange. Each
 * owns one piece of state or one path, and takes one argument: the allocator, of which it declares
 * the parts it needs. An option or a deliberate bug puts a subclass in the place of a class.
 */
import { AlienCaches } from "./alien.ts";
import { Bootstrap } from "./bootstrap.ts";
import { Bulk } from "./bulk.ts";
import { CacheLifetime } from "./cache-lifetime.ts";
import { Clock } from "./clock.ts";
import { Drain } from "./drain.ts";
import { Flush } from "./flush.ts";
import { FreeBlock } from "./free-block.ts";
import { Grow } from "./grow.ts";
import { Hotplug } from "./hotplug.ts";
import { IndexArray } from "./index-array.ts";
import { NodeAllocation } from "./node-allocation.ts";
import { NodeLists } from "./node-lists.ts";
import { NodeSetup } from "./node-setup.ts";
import { Reaper } from "./reaper.ts";
import { Refill } from "./refill.ts";
import { SlabPages } from "./slab-pages.ts";
import { Storage } from "./storage.ts";
import { Tuning } from "./tuning.ts";

export const SLAB_PARTS = {
  Storage,
  Clock,
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
  Hotplug,
};

export type SlabParts = typeof SLAB_PARTS;
