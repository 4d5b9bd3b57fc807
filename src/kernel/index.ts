// SPDX-License-Identifier: GPL-2.0-only
/**
 * slablab as a library: a thread-safe allocator over one SharedArrayBuffer, for programs whose
 * workers share memory.
 *
 *     const kernel = boot({ cpus: 4, memory: 64 * MIB });       // in one thread
 *     const kernel = attach(shared);                            // in the others, given kernel.shared
 *
 * Objects are byte offsets; `view8`, `view32` and `viewFloat64` show what lies there. Any thread
 * may free an object, whichever thread allocated it. An allocation that cannot be met returns 0 and
 * throws nothing; wrong use raises KernelBug where it can be detected.
 */

export { BootParameterError, type ParameterValue } from "../caches/boot-parameters.ts";
export type { FaultInjection, FaultSettings } from "../caches/fault-injection.ts";
export type { AllocatorName } from "../caches/flags.ts";
export {
  SLAB_CACHE_DMA,
  SLAB_CONSISTENCY_CHECKS,
  SLAB_HWCACHE_ALIGN,
  SLAB_PANIC,
  SLAB_POISON,
  SLAB_RECLAIM_ACCOUNT,
  SLAB_RED_ZONE,
  SLAB_STORE_USER,
  SLAB_TRACE,
  SLAB_TYPESAFE_BY_RCU,
} from "../caches/flags.ts";
export type { KernelVersion } from "../caches/kernel-version.ts";
export { ZERO_SIZE_PTR } from "../caches/kmalloc-sizes.ts";
export type { KmemCachePtr } from "../caches/kmem-cache.ts";
export type { LiveObjects } from "../caches/live-objects.ts";
export type { SlabReport } from "../caches/slab-report.ts";
export { AttachError } from "../machine/header.ts";
export { FAILURE_CLASSES, type FailureClass, KernelBug } from "../machine/kernel-bug.ts";
export type { Address } from "../machine/memory.ts";
export {
  defineStruct,
  type FieldType,
  type StructClass,
  type StructView,
} from "../machine/typed-struct.ts";
export { MIB } from "../machine/units.ts";
export type { ViewClass } from "../machine/views.ts";
export {
  __GFP_DMA,
  __GFP_MEMALLOC,
  __GFP_NOFAIL,
  __GFP_NOMEMALLOC,
  __GFP_NORETRY,
  __GFP_NOWARN,
  __GFP_THISNODE,
  __GFP_ZERO,
  GFP_ATOMIC,
  GFP_KERNEL,
  GFP_NOWAIT,
} from "../pages/gfp.ts";
export type { MemoryPolicy, Policies } from "../pages/policies.ts";
export type { Reserves, Shrinker } from "../pages/reserves.ts";
export type { BootOptions, MemoryRegion, SwapKind } from "./boot-options.ts";
export type { KernelDebug } from "./debug.ts";
export { type GeometryRequest, type GeometryRow, geometry } from "./geometry.ts";
export type { Group, GroupOptions } from "./group.ts";
export { attach, boot, type Kernel } from "./kernel.ts";
export type { Kmemleak, UnreferencedObject } from "./kmemleak.ts";
export type { Attachable, SharedKernel } from "./shared-kernel.ts";
export type { CacheUsage, CpuUsage, Leak, Usage } from "./usage.ts";
