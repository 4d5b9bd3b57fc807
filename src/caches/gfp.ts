// SPDX-License-Identifier: GPL-2.0-only
/**
 * The page allocator flags a cache adds to each of its requests (`allocflags`), by their bits in
 * each kernel; they moved after 4.1. This machine itself runs with those of 4.1.
 */

import { __GFP_COMP, __GFP_DMA, __GFP_RECLAIMABLE } from "../pages/gfp.ts";
import type { KernelVersion } from "./kernel-version.ts";

export interface GfpBits {
  readonly dma: number;
  readonly dma32: number;
  readonly comp: number;
  readonly reclaimable: number;
}

export const GFP_BITS: Readonly<Record<KernelVersion, GfpBits>> = {
  "4.1": { dma: __GFP_DMA, dma32: 0x4, comp: __GFP_COMP, reclaimable: __GFP_RECLAIMABLE },
  "6.1": { dma: 0x1, dma32: 0x4, comp: 0x40000, reclaimable: 0x10 },
  "6.19": { dma: 0x1, dma32: 0x4, comp: 0x40000, reclaimable: 0x10 },
  "7.1": { dma: 0x1, dma32: 0x4, comp: 0x40000, reclaimable: 0x10 },
};
