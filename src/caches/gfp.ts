/**
 * The page allocator flags a cache adds to each of its requests (`allocflags`), by their bits in
 * each kernel; they moved between the two.
 */
import type { KernelVersion } from "./flags.ts";

export interface GfpBits {
  readonly dma: number;
  readonly dma32: number;
  readonly comp: number;
  readonly reclaimable: number;
}

export const GFP_BITS: Readonly<Record<KernelVersion, GfpBits>> = {
  "4.1": { dma: 0x1, dma32: 0x4, comp: 0x4000, reclaimable: 0x80000 },
  "6.1": { dma: 0x1, dma32: 0x4, comp: 0x40000, reclaimable: 0x10 },
};
