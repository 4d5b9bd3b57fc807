// SPDX-License-Identifier: GPL-2.0-only
/**
 * The shape of a SLUB cache: where the free pointer, red zones and tracks lie, how large an object
 * becomes, how many lie in a slab, how long the partial lists may grow. Pure functions of machine,
 * boot parameters and request, by the rules of 4.1.52, 6.1.192, 6.19.0 and 7.1.5; field names as in
 * `struct kmem_cache`.
 *
 *   4.1   [object            ][red zone, pad][free pointer?][2 tracks?][red pad?][align pad]
 *   6.1   [left red zone?][object, free pointer inside][red zone, pad][free pointer?][2 tracks?]…
 *         0               redLeftPad (offset and inuse count from here)                     size
 */

import {
  alignUp,
  calculateAlignment,
  getOrder,
  ilog2,
  KMALLOC_MAX_SIZE,
  WORD_SIZE,
} from "../caches/alignment.ts";
import type { BootParameters } from "../caches/boot-parameters.ts";
import {
  __CMPXCHG_DOUBLE,
  __OBJECT_POISON,
  type BuildOption,
  DEBUG_METADATA_FLAGS,
  SLAB_CACHE_DMA,
  SLAB_CACHE_DMA32,
  SLAB_CONSISTENCY_CHECKS,
  SLAB_DEBUG_FLAGS,
  SLAB_KMALLOC,
  SLAB_NO_OBJ_EXT,
  SLAB_NOLEAKTRACE,
  SLAB_POISON,
  SLAB_RECLAIM_ACCOUNT,
  SLAB_RED_ZONE,
  SLAB_STORE_USER,
  SLAB_TRACE,
  SLAB_TYPESAFE_BY_RCU,
} from "../caches/flags.ts";
import { GFP_BITS } from "../caches/gfp.ts";
import { kasanCacheCreate } from "../caches/kasan/layout.ts";
import { type KernelVersion, since } from "../caches/kernel-version.ts";
import { kmallocSizeRoundup } from "../caches/kmalloc-sizes.ts";
import { kmemCacheFlags } from "../caches/slub-debug.ts";
import { PAGE_SIZE } from "../machine/machine.ts";
import {
  calculateOrder,
  calculateOrderOfWanted,
  defaultMinObjects,
  makeOrderObjects,
  type OrderLimits,
} from "./order.ts";

export interface SlubMachine {
  readonly kernel: KernelVersion;
  /** nr_cpu_ids: CPUs that could ever be there. */
  readonly cpus: number;
  /** CPUs present at boot. */
  readonly presentCpus: number;
  readonly config?: readonly BuildOption[];
}

export interface SlubRequest {
  /** Only `slub_debug=` looks at it. */
  readonly name?: string;
  /** Bytes, 1 or more. */
  readonly size: number;
  /** Bytes, 0 for none wanted. */
  readonly align: number;
  /** Already masked by `cacheCreateMask`. */
  readonly flags: number;
  readonly ctor: boolean;
  /** struct kmem_cache_args, since 6.18: objects a sheaf shall hold; since 7.0 at least so many. */
  readonly sheafCapacity?: number;
  /** Since 6.12: where in the object its free pointer may lie, though the object has a user who looks. */
  readonly freeptrOffset?: number | undefined;
}

export interface SlubGeometry {
  readonly size: number;
  readonly objectSize: number;
  readonly align: number;
  readonly inuse: number;
  /** Of the free pointer, from the object's start. */
  readonly offset: number;
  readonly redLeftPad: number;
  readonly order: number;
  readonly objects: number;
  readonly minOrder: number;
  readonly minObjects: number;
  readonly minPartial: number;
  /** Objects. */
  readonly cpuPartial: number;
  /** Since 5.16, else 0. */
  readonly cpuPartialSlabs: number;
  /** Objects a sheaf holds; 0: the cache, or the kernel, has no sheaves. */
  readonly sheafCapacity: number;
  readonly flags: number;
  readonly allocflags: number;
  /** Bytes kept free at a slab's end for its rcu_head; 0 here, where it overlays the list links. */
  readonly reserved: number;
  /** Where KASAN keeps its notes of an object. */
  readonly kasan: number;
}

/** What `calculateSizes` decides of a cache; the rest is `kmem_cache_open`'s. */
export type SlubSizes = Omit<
  SlubGeometry,
  "minPartial" | "cpuPartial" | "cpuPartialSlabs" | "sheafCapacity"
>;

/** A cache as `calculateSizes` finds it: new, or live with a debug flag just changed. */
export interface SizesInput {
  readonly objectSize: number;
  readonly align: number;
  readonly flags: number;
  readonly ctor: boolean;
  readonly reserved: number;
  /** Kept where nothing sets them anew, as the kernel keeps the fields of a live cache. */
  readonly offset: number;
  readonly redLeftPad: number;
  readonly freeptrOffset?: number | undefined;
  /** KASAN is built in. */
  readonly kasan?: boolean;
}

/** `sizeof(struct track)`: 4.1 stores 16 stack entries in it, later ones a handle. */
export const TRACK_SIZE: Readonly<Record<KernelVersion, number>> = {
  "4.1": 152,
  "6.1": 32,
  "6.19": 32,
  "7.1": 32,
};
const MIN_PARTIAL = 5;
const MAX_PARTIAL = 10;

/** Since 4.6: flags that need the slab lock for every change, so that the double-word swap is not used. */
const SLAB_NO_CMPXCHG = SLAB_CONSISTENCY_CHECKS | SLAB_STORE_USER | SLAB_TRACE;

/** The limits of the search for an order, on that machine with these parameters. */
export function orderLimits(machine: SlubMachine, parameters: BootParameters): OrderLimits {
  // Since 5.11 present CPUs count, but a single one may be a mistake of the firmware.
  const countsPresent = since(machine.kernel, "5.11") && machine.presentCpus > 1;
  const counted = countsPresent ? machine.presentCpus : machine.cpus;
  return {
    minOrder: parameters.slubMinOrder,
    maxOrder: parameters.slubMaxOrder,
    minObjects: parameters.slubMinObjects || defaultMinObjects(counted),
  };
}

/**
 * The layout of one object and the order of a slab, or undefined where no slab can hold one
 * (mm/slub.c `calculate_sizes`). `forcedOrder` is what sysfs `order` was written with.
 */
export function calculateSizes(
  kernel: KernelVersion,
  limits: OrderLimits,
  cache: SizesInput,
  forcedOrder?: number,
): SlubSizes | undefined {
  const { objectSize, align, reserved, ctor, freeptrOffset } = cache;
  const redZone = (cache.flags & SLAB_RED_ZONE) !== 0;
  const poison = (cache.flags & SLAB_POISON) !== 0;
  const rcu = (cache.flags & SLAB_TYPESAFE_BY_RCU) !== 0;
  let flags =
    poison && !rcu && !ctor ? cache.flags | __OBJECT_POISON : cache.flags & ~__OBJECT_POISON;

  let size = alignUp(objectSize, WORD_SIZE);
  if (redZone && size === objectSize) size += WORD_SIZE;
  const inuse = size;

  let offset = cache.offset;
  // A free object that its user may read, or that is poisoned, must not have a pointer inside.
  const tiny = since(kernel, "5.13") && redZone && objectSize < WORD_SIZE;
  const watched = (rcu || ctor) && !mayPlacePointer(kernel, cache);
  // kmalloc notes how many bytes were really asked for, and guards the rest: no place for a pointer.
  const keepsSize = (flags & SLAB_STORE_USER) !== 0 && (flags & SLAB_KMALLOC) !== 0;
  const guarded = since(kernel, "6.2") && redZone && keepsSize;
  if (watched || poison || tiny || guarded) {
    offset = size;
    size += WORD_SIZE;
  } else if (freeptrOffset !== undefined && (rcu || ctor)) {
    offset = freeptrOffset;
  } else if (since(kernel, "5.7")) {
    // The middle is furthest from an overflow of either neighbour.
    offset = (objectSize >> 1) & -WORD_SIZE;
  }

  if ((flags & SLAB_STORE_USER) !== 0) {
    size += 2 * TRACK_SIZE[kernel];
    // An unsigned int in 6.1, an unsigned long in 7.1.
    if (since(kernel, "6.1") && keepsSize) size += since(kernel, "7.1") ? 8 : 4;
  }
  let kasan = 0;
  if (cache.kasan === true) {
    const isDebug = (flags & SLAB_DEBUG_FLAGS) !== 0;
    const laidOut = { size, objectSize, flags, ctor, isDebug };
    const noted = kasanCacheCreate(kernel, { ...laidOut, keepsSize });
    ({ size, flags, kasan } = noted);
  }
  let redLeftPad = cache.redLeftPad;
  if (redZone) {
    size += WORD_SIZE;
    if (since(kernel, "4.6")) {
      redLeftPad = alignUp(WORD_SIZE, align);
      size += redLeftPad;
    }
  }
  size = alignUp(size, align);

  const order = forcedOrder ?? orderOf(kernel, size, limits, reserved);
  if (order === undefined) return undefined;
  const oo = makeOrderObjects(order, size, reserved);
  if (oo.objects === 0) return undefined;
  const min = makeOrderObjects(getOrder(size), size, reserved);
  return {
    size,
    objectSize,
    align,
    inuse,
    offset,
    redLeftPad,
    order: oo.order,
    objects: oo.objects,
    minOrder: min.order,
    minObjects: min.objects,
    flags,
    allocflags: allocationFlags(kernel, flags, order),
    reserved,
    kasan,
  };
}

function orderOf(
  kernel: KernelVersion,
  size: number,
  limits: OrderLimits,
  reserved: number,
): number | undefined {
  return since(kernel, "6.7")
    ? calculateOrderOfWanted(size, limits)
    : calculateOrder(size, limits, reserved);
}

/** What a cache adds to each request for pages. */
export function allocationFlags(kernel: KernelVersion, flags: number, order: number): number {
  const gfp = GFP_BITS[kernel];
  let allocflags = order > 0 || since(kernel, "6.19") ? gfp.comp : 0;
  if ((flags & SLAB_CACHE_DMA) !== 0) allocflags |= gfp.dma;
  if ((flags & SLAB_CACHE_DMA32) !== 0) allocflags |= gfp.dma32;
  if ((flags & SLAB_RECLAIM_ACCOUNT) !== 0) allocflags |= gfp.reclaimable;
  return allocflags;
}

/**
 * The geometry of a new SLUB cache, or undefined where `kmem_cache_create` fails because no order
 * holds an object (mm/slub.c `kmem_cache_open`), or no free pointer may lie where it is asked for
 * (`create_cache`). Never throws.
 */
export function slubGeometry(
  machine: SlubMachine,
  parameters: BootParameters,
  request: SlubRequest,
): SlubGeometry | undefined {
  const { kernel } = machine;
  // Larger objects fit no order; said here so that the arithmetic below stays within 31 bits.
  if (request.size > KMALLOC_MAX_SIZE || !hasValidFreeptrOffset(kernel, request)) return undefined;
  const limits = orderLimits(machine, parameters);
  const cache: SizesInput = {
    objectSize: request.size,
    align: calculateAlignment(request.flags, request.align, request.size),
    flags: kmemCacheFlags(kernel, parameters.slubDebug, request.flags, request.name ?? ""),
    ctor: request.ctor,
    reserved: 0,
    offset: 0,
    redLeftPad: 0,
    freeptrOffset: request.freeptrOffset,
    kasan: machine.config?.includes("KASAN") ?? false,
  };
  let sizes = calculateSizes(kernel, limits, cache);
  if (sizes === undefined) return undefined;
  if (
    parameters.slubDebug.disableHigherOrderDebug &&
    getOrder(sizes.size) > getOrder(sizes.objectSize)
  ) {
    const plain = {
      ...sizes,
      ctor: cache.ctor,
      freeptrOffset: cache.freeptrOffset,
      kasan: cache.kasan ?? false,
      offset: 0,
      flags: sizes.flags & ~DEBUG_METADATA_FLAGS,
    };
    sizes = calculateSizes(kernel, limits, plain);
    if (sizes === undefined) return undefined;
  }
  return {
    ...sizes,
    flags: swapFlag(kernel, sizes.flags),
    ...partialLimits(kernel, sizes),
    sheafCapacity: capacityOf(kernel, sizes, request.sheafCapacity ?? 0),
  };
}

/**
 * Only objects that somebody may look at while they are free need a place for the pointer. Kernels
 * before 6.12 are not told of one.
 */
export function hasValidFreeptrOffset(kernel: KernelVersion, request: SlubRequest): boolean {
  const { freeptrOffset, size, flags, ctor } = request;
  if (freeptrOffset === undefined || !since(kernel, "6.12")) return true;
  const isLookedAt = (flags & SLAB_TYPESAFE_BY_RCU) !== 0 || (ctor && since(kernel, "7.0"));
  return freeptrOffset < size && isLookedAt && freeptrOffset % WORD_SIZE === 0;
}

/** Whether the object has a place for the pointer. That of a constructed object has one since 7.0. */
function mayPlacePointer(kernel: KernelVersion, { freeptrOffset, ctor }: SizesInput): boolean {
  if (freeptrOffset === undefined || !since(kernel, "6.12")) return false;
  return !ctor || since(kernel, "7.0");
}

/** Objects a sheaf holds: since 7.0 in nearly every cache, in 6.18 and 6.19 where it was asked for. */
function capacityOf(kernel: KernelVersion, { flags, size }: SlubSizes, asked: number): number {
  if (since(kernel, "7.0")) return sheafCapacityOf(flags, size, asked);
  return since(kernel, "6.18") && (flags & SLAB_DEBUG_FLAGS) === 0 ? asked : 0;
}

/** sizeof(struct slab_sheaf) without the objects. */
const SHEAF_HEADER = 32;
const NO_SHEAVES = SLAB_DEBUG_FLAGS | SLAB_NO_OBJ_EXT | SLAB_NOLEAKTRACE;

/**
 * How many objects a sheaf holds (calculate_sheaf_capacity): fewer of larger objects, and as many
 * as fill the kmalloc object that the sheaf is made of. 0: the cache has no sheaves.
 */
export function sheafCapacityOf(flags: number, size: number, least: number): number {
  if ((flags & NO_SHEAVES) !== 0) return 0;
  const bytes = kmallocSizeRoundup(SHEAF_HEADER + sheafBase(size) * WORD_SIZE);
  return Math.max((bytes - SHEAF_HEADER) / WORD_SIZE, least);
}

function sheafBase(size: number): number {
  if (size >= PAGE_SIZE) return 4;
  if (size >= 1024) return 12;
  return size >= 256 ? 26 : 60;
}

function swapFlag(kernel: KernelVersion, flags: number): number {
  const preventing = since(kernel, "4.6") ? SLAB_NO_CMPXCHG : SLAB_DEBUG_FLAGS;
  return (flags & preventing) === 0 ? flags | __CMPXCHG_DOUBLE : flags;
}

/** min_partial brought into the range the kernel keeps it in (`set_min_partial`). */
export function clampMinPartial(wanted: number): number {
  return Math.min(Math.max(wanted, MIN_PARTIAL), MAX_PARTIAL);
}

/**
 * How much the partial lists may hold. The cpu partial list counts objects; since 5.16 it counts
 * slabs, each taken for half free.
 */
function partialLimits(
  kernel: KernelVersion,
  sizes: SlubSizes,
): Pick<SlubGeometry, "minPartial" | "cpuPartial" | "cpuPartialSlabs"> {
  const countsSlabs = since(kernel, "5.16");
  const cpuPartial =
    (sizes.flags & SLAB_DEBUG_FLAGS) === 0 ? cpuPartialObjects(countsSlabs, sizes.size) : 0;
  return {
    minPartial: clampMinPartial(ilog2(sizes.size) >> 1),
    cpuPartial,
    cpuPartialSlabs: countsSlabs ? cpuPartialSlabs(cpuPartial, sizes.objects) : 0,
  };
}

/** So many slabs hold that many free objects, if each is half free. */
export function cpuPartialSlabs(objects: number, perSlab: number): number {
  return Math.ceil((2 * objects) / perSlab);
}

function cpuPartialObjects(countsSlabs: boolean, size: number): number {
  if (size >= PAGE_SIZE) return countsSlabs ? 6 : 2;
  if (size >= 1024) return countsSlabs ? 24 : 6;
  if (size >= 256) return countsSlabs ? 52 : 13;
  return countsSlabs ? 120 : 30;
}
