// SPDX-License-Identifier: GPL-2.0-only
/**
 * Which classes make which version of SLUB: one flat table each, of the slab layer's parts, the
 * front's parts, and the allocator that composes them. A version is the one before it with some
 * classes exchanged. Options and mutations exchange classes of the table that runs.
 */
import type { KernelVersion } from "../caches/kernel-version.ts";
import { CPU_SLAB_PARTS, type CpuSlabParts } from "./cpu-slab/parts.ts";
import { Slub } from "./cpu-slab/slub.ts";
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

const SLUB_6_1: SlubClasses = SLUB_4_1;

const SLUB_7_1: SheafClasses = {
  allocator: "slub",
  front: "sheaves",
  ...SHEAF_LAYER_PARTS,
  ...SHEAF_PARTS,
  Allocator: SheafSlub,
  Observer: SheafObserver,
};

/** Kernels of which there is the geometry so far (geometry.ts decides it), on the paths of 4.1. */
export const SLUB_GEOMETRY_ONLY: ReadonlySet<KernelVersion> = new Set(["6.1", "7.1"]);

export const SLUB_KERNELS: Readonly<Record<KernelVersion, SlubClasses | SheafClasses>> = {
  "4.1": SLUB_4_1,
  "6.1": SLUB_6_1,
  "7.1": SLUB_7_1,
};
