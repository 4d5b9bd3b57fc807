// SPDX-License-Identifier: GPL-2.0-only
/** A class of either allocator, as a mixin over both extends it. */
import type { Allocating } from "./allocator.ts";
import type { SlabCommon } from "./slab-common.ts";

export type AllocatorClass = new (
  common: SlabCommon,
  // biome-ignore lint/suspicious/noExplicitAny: a class to be extended must take any arguments
  ...parts: any[]
) => Allocating;
