// SPDX-License-Identifier: GPL-2.0-only
/**
 * The geometry a cache would get in a given kernel on a given machine: one question, one row.
 * Nothing is booted and nothing is shared; the row's field names are those of the recorded
 * answers of real kernels (`test/oracle/`).
 */
import { BootParameterError, parseBootParameters } from "../caches/boot-parameters.ts";
import {
  absentFlags,
  cacheCreateMask,
  flagsPermitted,
  type KernelBuild,
  parseFlags,
  SLAB_NO_MERGE,
  SLAB_PANIC,
  UnknownFlagError,
} from "../caches/flags.ts";
import { hasSlab, type KernelVersion, noSlab, since } from "../caches/kernel-version.ts";
import { poisonsUnderRcu, type SlabGeometry, slabGeometry } from "../slab/geometry.ts";
import { hasValidFreeptrOffset, type SlubGeometry, slubGeometry } from "../slub/geometry.ts";
import { BadRequest, type CheckedRequest, checkRequest } from "./geometry-request.ts";

export type { GeometryRequest } from "./geometry-request.ts";

interface RequestColumns {
  readonly size: number;
  readonly align: number;
  readonly flags: number;
  readonly ctor: number;
}

export interface SlubRow extends RequestColumns {
  readonly slab_size: number;
  readonly object_size: number;
  readonly cache_align: number;
  readonly inuse: number;
  readonly offset: number;
  readonly red_left_pad: number;
  readonly order: number;
  readonly objs: number;
  readonly min_order: number;
  readonly min_objs: number;
  readonly min_partial: number;
  /** Until 7.0. */
  readonly cpu_partial?: number;
  readonly cpu_partial_slabs?: number;
  /** Since 6.18. */
  readonly sheaf_capacity?: number;
  readonly out_flags: number;
  readonly allocflags: number;
}

export interface SlabRow extends RequestColumns {
  readonly buf_size: number;
  readonly object_size: number;
  readonly cache_align: number;
  readonly num: number;
  readonly gfporder: number;
  readonly colour: number;
  readonly colour_off: number;
  readonly freelist_size: number;
  readonly limit: number;
  readonly batchcount: number;
  readonly shared: number;
  readonly free_limit: number;
  readonly out_flags: number;
  readonly allocflags: number;
  readonly obj_offset: number;
}

/** The kernel refuses to create the cache; the first column of its answer is null. */
export interface RefusedRow extends RequestColumns {
  readonly slab_size?: null;
  readonly buf_size?: null;
  readonly error: string;
}

export type GeometryRow = SlubRow | SlabRow;
/** The question itself is wrong. */
export interface GeometryError {
  readonly error: string;
}

/**
 * Answers one question, given as a parsed JSON value of any shape. Never throws: what is wrong
 * with the question, and what the kernel refuses, is said in `error`.
 */
export function geometry(request: unknown): GeometryRow | RefusedRow | GeometryError {
  try {
    const checked = checkRequest(request);
    if (checked.allocator === "slab" && !hasSlab(checked.kernel)) {
      return { error: noSlab(checked.kernel) };
    }
    return answer(checked, parseFlags(checked.kernel, checked.flags));
  } catch (error) {
    const isTheAnswer = [BadRequest, UnknownFlagError, BootParameterError].some(
      (kind) => error instanceof kind,
    );
    if (isTheAnswer) return { error: (error as Error).message };
    throw error;
  }
}

function answer(request: CheckedRequest, flags: number): GeometryRow | RefusedRow {
  const columns: RequestColumns = {
    size: request.size,
    align: request.align,
    flags: flags >>> 0,
    ctor: Number(request.ctor),
  };
  const created = create(request, flags, columns);
  if (typeof created !== "string") return created;
  const consequence = (flags & SLAB_PANIC) === 0 ? "fails" : "fails, and the kernel panics";
  const error = `kmem_cache_create ${consequence}: ${created}`;
  return request.allocator === "slub"
    ? { ...columns, slab_size: null, error }
    : { ...columns, buf_size: null, error };
}

/** The row of the created cache, or why there is none. */
function create(
  request: CheckedRequest,
  flags: number,
  columns: RequestColumns,
): GeometryRow | string {
  const { allocator, kernel, config } = request;
  const build: KernelBuild = { allocator, kernel, config };
  const refused = flags & ~flagsPermitted(build);
  if (refused !== 0) return `flags 0x${(refused >>> 0).toString(16)} are not permitted (-EINVAL)`;
  const parameters = parseBootParameters(kernel, request.params);
  const { sheaf_capacity = 0, freeptr_offset } = request.args;
  // A cache with a capacity of its own is no alias, and has said so since 7.0.
  const own = sheaf_capacity > 0 && since(kernel, "7.0") ? SLAB_NO_MERGE : 0;
  const cache = {
    name: request.name,
    size: request.size,
    align: request.align,
    flags: (flags & cacheCreateMask(build)) | own,
    ctor: request.ctor,
    sheafCapacity: sheaf_capacity,
    freeptrOffset: freeptr_offset,
  };
  if (allocator === "slub") {
    if (!hasValidFreeptrOffset(kernel, cache)) return "no free pointer may lie there (-EINVAL)";
    const geometry = slubGeometry(
      { kernel, cpus: request.possibleCpus, presentCpus: request.cpus, config },
      parameters,
      cache,
    );
    return geometry ? slubRow(columns, geometry, build) : "no slab holds one object (-EINVAL)";
  }
  const nodeCpus = cpusOfNode0(request.cpus, request.nodes);
  const geometry = slabGeometry(
    { kernel, cpus: request.possibleCpus, nodeCpus, config },
    parameters,
    cache,
  );
  if (geometry) return slabRow(columns, geometry);
  return poisonsUnderRcu(kernel, cache.flags)
    ? "SLAB_POISON with SLAB_DESTROY_BY_RCU (BUG)"
    : "no slab holds one object (-E2BIG)";
}

/** CPUs are dealt to nodes in equal blocks, node 0 first. */
function cpusOfNode0(cpus: number, nodes: number): number {
  return Math.ceil(cpus / nodes);
}

/** What a CPU keeps of a cache: objects and slabs on its partial list, or objects in a sheaf. */
function cpuColumns(kernel: KernelVersion, s: SlubGeometry): Partial<SlubRow> {
  const partial = { cpu_partial: s.cpuPartial, cpu_partial_slabs: s.cpuPartialSlabs };
  const sheaves = { sheaf_capacity: s.sheafCapacity };
  if (since(kernel, "7.0")) return sheaves;
  return since(kernel, "6.18") ? { ...partial, ...sheaves } : partial;
}

function slubRow(columns: RequestColumns, s: SlubGeometry, build: KernelBuild): SlubRow {
  return {
    ...columns,
    slab_size: s.size,
    object_size: s.objectSize,
    cache_align: s.align,
    inuse: s.inuse,
    offset: s.offset,
    red_left_pad: s.redLeftPad,
    order: s.order,
    objs: s.objects,
    min_order: s.minOrder,
    min_objs: s.minObjects,
    min_partial: s.minPartial,
    ...cpuColumns(build.kernel, s),
    out_flags: (s.flags & ~absentFlags(build)) >>> 0,
    allocflags: s.allocflags >>> 0,
  };
}

function slabRow(columns: RequestColumns, s: SlabGeometry): SlabRow {
  return {
    ...columns,
    buf_size: s.size,
    object_size: s.objectSize,
    cache_align: s.align,
    num: s.num,
    gfporder: s.gfporder,
    colour: s.colour,
    colour_off: s.colourOff,
    freelist_size: s.freelistSize,
    limit: s.limit,
    batchcount: s.batchcount,
    shared: s.shared,
    free_limit: s.freeLimit,
    out_flags: s.flags >>> 0,
    allocflags: s.allocflags >>> 0,
    obj_offset: s.objOffset,
  };
}
