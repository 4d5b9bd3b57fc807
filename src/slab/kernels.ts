// SPDX-License-Identifier: GPL-2.0-only
/**
 * Which classes make which version of SLAB: one flat table each. A version is the one before it
 * with some classes exchanged. Options and mutations exchange classes of the table that runs.
 */
import type { SlabKernelVersion } from "../caches/kernel-version.ts";
import { FreeBlockBatched } from "./free-block-batched.ts";
import { GrowUnlockedColour } from "./grow-unlocked-colour.ts";
import { IndexArrayInObject } from "./index-array-in-object.ts";
import { NodeAllocationUnlisted } from "./node-allocation-unlisted.ts";
import { NodeSetupDeferred } from "./node-setup-deferred.ts";
import { SlabObserver } from "./observer/slab-observer.ts";
import { withMarkedObjects } from "./options/marked-objects.ts";
import { withReservedSlabs } from "./options/reserved-slabs.ts";
import { SLAB_PARTS, type SlabParts } from "./parts.ts";
import { RefillUnlocked } from "./refill-unlocked.ts";
import { Slab } from "./slab.ts";

export interface SlabClasses extends SlabParts {
  readonly allocator: "slab";
  Allocator: typeof Slab;
  Observer: typeof SlabObserver;
  /** What a machine with reserves exchanges. */
  readonly withReserves: (classes: SlabClasses) => Partial<SlabClasses>;
}

const SLAB_4_1: SlabClasses = {
  allocator: "slab",
  ...SLAB_PARTS,
  Allocator: Slab,
  Observer: SlabObserver,
  withReserves: withMarkedObjects,
};

const SLAB_6_1: SlabClasses = {
  ...SLAB_4_1,
  // Linux 4.6: b03a017bebc4, f68f8dddb5e9
  IndexArray: IndexArrayInObject,
  withReserves: withReservedSlabs,
  // Linux 4.7, in one series by Joonsoo Kim: 03d1d43a1262, 76b342bdc71b, 213b46958c65, 801faf0db894
  Grow: GrowUnlockedColour,
  Refill: RefillUnlocked,
  FreeBlock: FreeBlockBatched,
  NodeAllocation: NodeAllocationUnlisted,
  NodeSetup: NodeSetupDeferred,
};

export const SLAB_KERNELS: Readonly<Record<SlabKernelVersion, SlabClasses>> = {
  "4.1": SLAB_4_1,
  "6.1": SLAB_6_1,
};
