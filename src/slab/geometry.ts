// SPDX-License-Identifier: GPL-2.0-only
/**
 * The shape of a SLAB cache: object layout with its debug words, slab order, place of the index
 * array, colours, and how many objects its queues hold. Pure functions of machine, boot parameters
 * and request, by the rules of 4.1.52 and 6.1.192; field names as in `struct kmem_cache`.
 *
 *   DEBUG_SLAB   [red zone 1: u64][object][red zone 2: u64][last caller: word][align pad]
 *                0                objOffset                                   size
 */

import {
  alignUp,
  CACHE_LINE_SIZE,
  calculateAlignment,
  fls,
  KMALLOC_MAX_SIZE,
  WORD_SIZE,
} from "../caches/alignment.ts";
import type { BootParameters } from "../caches/boot-parameters.ts";
import {
  type BuildOption,
  CFLGS_OBJFREELIST_SLAB,
  CFLGS_OFF_SLAB,
  SLAB_CACHE_DMA,
  SLAB_CACHE_DMA32,
  SLAB_NOLEAKTRACE,
  SLAB_POISON,
  SLAB_RECLAIM_ACCOUNT,
  SLAB_RED_ZONE,
  SLAB_STORE_USER,
  SLAB_TYPESAFE_BY_RCU,
} from "../caches/flags.ts";
import { GFP_BITS } from "../caches/gfp.ts";
import { kasanCacheCreate } from "../caches/kasan/layout.ts";
import { type KernelVersion, since } from "../caches/kernel-version.ts";
import { PAGE_SIZE } from "../machine/machine.ts";
import { calculateSlabOrder, type SlabOrder } from "./order.ts";

export interface SlabMachine {
  readonly kernel: KernelVersion;
  /** CPUs that could ever be there. */
  readonly cpus: number;
  /** CPUs of node 0 that are present. */
  readonly nodeCpus: number;
  readonly config?: readonly BuildOption[];
}

export interface SlabRequest {
  /** Bytes, 1 or more. */
  readonly size: number;
  /** Bytes, 0 for none wanted. */
  readonly align: number;
  /** Already masked by `cacheCreateMask`. */
  readonly flags: number;
  readonly ctor: boolean;
  /** 4.1: true for the first caches of boot, which no kmalloc cache can help yet. */
  readonly slabEarlyInit?: boolean;
  /** 6.1: freed objects are zeroed (init_on_free). */
  readonly initOnFree?: boolean;
  /**
   * 6.1: whether the kmalloc cache that would hold `num` indices is there yet and keeps its own on
   * its slabs, so that no slab needs a slab of its own kind. Left out: it is.
   */
  readonly holdsIndexes?: (num: number) => boolean;
}

export interface SlabGeometry {
  /** Bytes from one object to the next. */
  readonly size: number;
  readonly objectSize: number;
  readonly align: number;
  readonly num: number;
  readonly gfporder: number;
  /** Number of colours; 0 and 1 mean none. */
  readonly colour: number;
  readonly colourOff: number;
  readonly freelistSize: number;
  readonly limit: number;
  readonly batchcount: number;
  readonly shared: number;
  /** Of node 0. */
  readonly freeLimit: number;
  readonly flags: number;
  readonly allocflags: number;
  /** Where the object starts in its buffer (DEBUG_SLAB). */
  readonly objOffset: number;
  /** Where KASAN keeps its notes of an object. */
  readonly kasan: number;
}

/** KASAN and DEBUG_SLAB exclude each other. */
const NO_DEBUG = { keepsSize: false, isDebug: false } as const;

/** With one-byte indices no buffer may be smaller, or a page would hold more than 255 objects. */
const SLAB_OBJ_MIN_SIZE = 16;
const REDZONE_ALIGN = 8;
const RED_WORD_SIZE = 8;
/** 4.1: objects from here up keep their index array elsewhere if that saves room. */
const OFF_SLAB_MIN_SIZE = PAGE_SIZE >> 5;
/** DEBUG_SLAB keeps queues short, so that a freed object's poison is soon checked. */
export const DEBUG_LIMIT = 32;

/** One object with its debug words. */
interface ObjectLayout {
  readonly size: number;
  readonly align: number;
  readonly flags: number;
  readonly objOffset: number;
}

/**
 * Until 4.6, with DEBUG_SLAB: poison under RCU would overwrite what a reader may still look at, and
 * creating such a cache is answered with BUG.
 */
export function poisonsUnderRcu(kernel: KernelVersion, flags: number): boolean {
  return (
    !since(kernel, "4.6") && (flags & SLAB_TYPESAFE_BY_RCU) !== 0 && (flags & SLAB_POISON) !== 0
  );
}

/**
 * DEBUG_SLAB turns debugging on for every cache it can afford: red zones and last callers unless
 * they would push a large object into the next power of two, poison unless readers under RCU may
 * still look at freed objects.
 */
function forceDebug(size: number, flags: number): number {
  const grown = size - 1 + REDZONE_ALIGN + 2 * RED_WORD_SIZE;
  let forced = flags;
  if (size < PAGE_SIZE || fls(size - 1) === fls(grown)) forced |= SLAB_RED_ZONE | SLAB_STORE_USER;
  if ((flags & SLAB_TYPESAFE_BY_RCU) === 0) forced |= SLAB_POISON;
  return forced;
}

/** `forced`: the flags with those of DEBUG_SLAB; undefined in a kernel without it. */
function layoutObject(request: SlabRequest, forced: number | undefined): ObjectLayout {
  const debug = forced !== undefined;
  let flags = forced ?? request.flags;
  let size = alignUp(request.size, WORD_SIZE);
  const align = calculateAlignment(flags, request.align, request.size);
  // Red zone words are 8 bytes; behind them an object of larger alignment could not stay aligned.
  if (align > RED_WORD_SIZE) flags &= ~(SLAB_RED_ZONE | SLAB_STORE_USER);
  let objOffset = 0;
  if (debug && (flags & SLAB_RED_ZONE) !== 0) {
    objOffset = RED_WORD_SIZE;
    size += 2 * RED_WORD_SIZE;
  }
  if (debug && (flags & SLAB_STORE_USER) !== 0) size += WORD_SIZE;
  return { size, align, flags, objOffset };
}

/** Where the index array lies, and the slab that results. */
interface Placement {
  readonly order: SlabOrder;
  /** Bytes for colouring. */
  readonly spare: number;
  readonly freelistSize: number;
  /** CFLGS_OFF_SLAB, CFLGS_OBJFREELIST_SLAB or 0. */
  readonly placeFlag: number;
}

type Orders = (place: "on-slab" | "off-slab" | "in-object") => SlabOrder | undefined;

/**
 * Until 4.6: off slab for objects of 128 bytes and more, unless the slab has room for the array
 * anyway.
 */
function placeByObjectSize(
  orders: Orders,
  layout: ObjectLayout,
  request: SlabRequest,
): Placement | undefined {
  const mayBeOff = request.slabEarlyInit !== true && (layout.flags & SLAB_NOLEAKTRACE) === 0;
  const off = mayBeOff && layout.size >= OFF_SLAB_MIN_SIZE;
  const order = orders(off ? "off-slab" : "on-slab");
  if (order === undefined) return undefined;
  const aligned = alignUp(order.num, layout.align);
  if (!off) return { order, spare: order.leftOver, freelistSize: aligned, placeFlag: 0 };
  if (order.leftOver >= aligned) {
    return { order, spare: order.leftOver - aligned, freelistSize: aligned, placeFlag: 0 };
  }
  return { order, spare: order.leftOver, freelistSize: order.num, placeFlag: CFLGS_OFF_SLAB };
}

/** Since 4.6 (b03a017bebc4): the first of the three places that fits. */
function placeFirstThatFits(
  orders: Orders,
  layout: ObjectLayout,
  request: SlabRequest,
): Placement | undefined {
  const placed = (order: SlabOrder, placeFlag: number): Placement => ({
    order,
    spare: order.leftOver,
    freelistSize: order.num,
    placeFlag,
  });
  // A constructed object must stay as it is, readers under RCU may still read a freed one, and one
  // that was zeroed stays so.
  const isZeroed = request.initOnFree === true && (layout.flags & SLAB_POISON) === 0;
  if (!request.ctor && (layout.flags & SLAB_TYPESAFE_BY_RCU) === 0 && !isZeroed) {
    const order = orders("in-object");
    if (order !== undefined && order.num <= request.size) {
      return placed(order, CFLGS_OBJFREELIST_SLAB);
    }
  }
  if ((layout.flags & SLAB_NOLEAKTRACE) === 0) {
    const order = orders("off-slab");
    // With room to spare for the array, on slab costs nothing.
    if (order !== undefined && order.leftOver < order.num) return placed(order, CFLGS_OFF_SLAB);
  }
  const order = orders("on-slab");
  return order && placed(order, 0);
}

/**
 * The geometry of a new SLAB cache, or undefined where `kmem_cache_create` fails (no slab holds an
 * object) or stops the machine (`poisonsUnderRcu`). Never throws. mm/slab.c `__kmem_cache_create`
 * and `enable_cpucache`.
 */
export function slabGeometry(
  machine: SlabMachine,
  parameters: BootParameters,
  request: SlabRequest,
): SlabGeometry | undefined {
  const { kernel } = machine;
  // Larger objects fit no order; said here so that the arithmetic below stays within 31 bits.
  if (request.size > KMALLOC_MAX_SIZE) return undefined;
  const debug = machine.config?.includes("DEBUG_SLAB") ?? false;
  if (debug && poisonsUnderRcu(kernel, request.flags)) return undefined;
  const forced = debug ? forceDebug(request.size, request.flags) : undefined;
  const layout = layoutObject(request, forced);
  const noted = machine.config?.includes("KASAN")
    ? kasanCacheCreate(kernel, { ...request, ...layout, objectSize: request.size, ...NO_DEBUG })
    : { size: layout.size, flags: layout.flags, kasan: 0 };
  let size = alignUp(noted.size, layout.align);
  if (size < SLAB_OBJ_MIN_SIZE) size = alignUp(SLAB_OBJ_MIN_SIZE, layout.align);

  const orders: Orders = (place) =>
    calculateSlabOrder(kernel, {
      size,
      objectSize: request.size,
      align: layout.align,
      place,
      reclaimable: (layout.flags & SLAB_RECLAIM_ACCOUNT) !== 0,
      maxOrder: parameters.slabMaxOrder,
      holdsIndexes: request.holdsIndexes ?? (() => true),
    });
  const placement = since(kernel, "4.6")
    ? placeFirstThatFits(orders, layout, request)
    : placeByObjectSize(orders, layout, request);
  if (placement === undefined) return undefined;

  const colourOff = Math.max(CACHE_LINE_SIZE, layout.align);
  const { num, gfporder } = placement.order;
  const queues = queueSizes(size, machine.cpus, debug ? DEBUG_LIMIT : undefined);
  return {
    size,
    objectSize: request.size,
    align: layout.align,
    num,
    gfporder,
    colour: Math.floor(placement.spare / colourOff),
    colourOff,
    freelistSize: placement.freelistSize,
    ...queues,
    freeLimit: freeLimit(machine.nodeCpus, queues.batchcount, num),
    flags: noted.flags | placement.placeFlag,
    allocflags: allocationFlags(machine, layout.flags),
    objOffset: layout.objOffset,
    kasan: noted.kasan,
  };
}

/**
 * How many objects each queue holds, by the size of an object (`enable_cpucache`): `limit` per
 * CPU and no more than `most`, moved `batchcount` at a time, `shared` batches per node where there
 * is another CPU.
 */
export function queueSizes(
  size: number,
  possibleCpus: number,
  most = Number.POSITIVE_INFINITY,
): { readonly limit: number; readonly batchcount: number; readonly shared: number } {
  let usual = 120;
  if (size > 131072) usual = 1;
  else if (size > PAGE_SIZE) usual = 8;
  else if (size > 1024) usual = 24;
  else if (size > 256) usual = 54;
  const limit = Math.min(usual, most);
  const shared = size <= PAGE_SIZE && possibleCpus > 1 ? 8 : 0;
  return { limit, batchcount: (limit + 1) >> 1, shared };
}

/** Free objects a node keeps before it gives slabs back. */
export function freeLimit(nodeCpus: number, batchcount: number, num: number): number {
  return (1 + nodeCpus) * batchcount + num;
}

function allocationFlags(machine: SlabMachine, flags: number): number {
  const gfp = GFP_BITS[machine.kernel];
  let allocflags = gfp.comp;
  // Until 4.7 a kernel without a DMA zone had the flag compiled away.
  const knowsDma = since(machine.kernel, "4.7") || machine.config?.includes("ZONE_DMA");
  if (knowsDma && (flags & SLAB_CACHE_DMA) !== 0) allocflags |= gfp.dma;
  // No cache has the flag before 5.1.
  if ((flags & SLAB_CACHE_DMA32) !== 0) allocflags |= gfp.dma32;
  // Until 4.15 each request for pages added it.
  const keepsReclaimable = since(machine.kernel, "4.15");
  if (keepsReclaimable && (flags & SLAB_RECLAIM_ACCOUNT) !== 0) allocflags |= gfp.reclaimable;
  return allocflags;
}
