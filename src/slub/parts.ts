// SPDX-License-Identifier: GPL-2.0-only
/**
 * The classes the slab layer is composed of. Each owns one piece of state or one path; an option, a
 * kernel version or a deliberate bug puts a subclass in place of one. A front adds its own parts.
 */
import { Bootstrap } from "./bootstrap.ts";
import { CacheLifetime } from "./cache-lifetime.ts";
import { FreePointers } from "./free-pointers.ts";
import { Hotplug } from "./hotplug.ts";
import { NodePartial } from "./node-partial.ts";
import { ObjectDebugging } from "./object-debugging.ts";
import { PageSwap } from "./page-swap.ts";
import { SlabPages } from "./slab-pages.ts";

export const LAYER_PARTS = {
  FreePointers,
  ObjectDebugging,
  PageSwap,
  NodePartial,
  SlabPages,
  CacheLifetime,
  Bootstrap,
  Hotplug,
};

export type LayerParts = typeof LAYER_PARTS;
