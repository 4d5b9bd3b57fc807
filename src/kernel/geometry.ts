/**
 * The geometry a cache would get in a given kernel on a given machine: one question, one row.
 * Nothing is booted and nothing is shared; the row's field names are those of the recorded
 * answers of real kernels (`test/oracle/`).
 */
import * as v from "valibot";
import { BootParameterError, parseBootParameters } from "../caches/boot-parameters.ts";
import {
  ALLOCATORS,
  absentFlags,
  BUILD_OPTIONS,
  cacheCreateMask,
  flagsPermitted,
  type KernelBuild,
  parseFlags,
  SLAB_PANIC,
  UnknownFlagError,
} from "../caches/flags.ts";
import { DEFAULT_KERNEL, KERNEL_VERSIONS } from "../caches/kernel-version.ts";
import { quoted } from "../machine/quoted.ts";
import { poisonsUnderRcu, type SlabGeometry, slabGeometry } from "../slab/geometry.ts";
import { type SlubGeometry, slubGeometry } from "../slub/geometry.ts";

const MAX_CPUS = 8192;
const MAX_NODES = 1024;

/** A whole number in a range, with one sentence for everything else. */
function whole(minimum: number, maximum: number) {
  return v.pipe(
    v.number(`must be a number`),
    v.integer((issue) => `must be a whole number, not ${issue.received}`),
    v.minValue(minimum, (issue) => `must be at least ${minimum}, not ${issue.received}`),
    v.maxValue(maximum, (issue) => `must be at most ${maximum}, not ${issue.received}`),
  );
}

/** `"a" or "b"` */
function oneOf(choices: readonly string[]): string {
  return choices.map((choice) => `"${choice}"`).join(" or ");
}

const requestSchema = v.strictObject({
  allocator: v.nullish(v.picklist(ALLOCATORS, `must be ${oneOf(ALLOCATORS)}`), "slub"),
  kernel: v.nullish(
    v.picklist(KERNEL_VERSIONS, `must be ${oneOf(KERNEL_VERSIONS)}`),
    DEFAULT_KERNEL,
  ),
  /** Only `slub_debug=` with a list of names looks at it. */
  name: v.nullish(v.string("must be text"), ""),
  /** Bytes. */
  size: whole(1, 2 ** 31 - 1),
  /** Bytes. */
  align: v.nullish(whole(0, 2 ** 30), 0),
  /** A number, or names parted by commas. */
  flags: v.nullish(
    v.union([v.number(), v.string()], "must be a number or flag names parted by commas"),
    0,
  ),
  ctor: v.nullish(v.union([v.boolean(), v.picklist([0, 1])], "must be true, false, 0 or 1"), false),
  /** CPUs present. */
  cpus: v.nullish(whole(1, MAX_CPUS), 1),
  /** CPUs that could be added; all of them present when left out. */
  possibleCpus: v.nullish(whole(1, MAX_CPUS)),
  nodes: v.nullish(whole(1, MAX_NODES), 1),
  /** Boot parameters, such as `{"slub_debug": "FZPU", "slub_max_order": 0}`. */
  params: v.nullish(
    v.record(
      v.string(),
      v.union([v.string(), v.number(), v.boolean(), v.null()], "must be text or a number"),
      "must be an object of boot parameters",
    ),
    {},
  ),
  /** Build options, such as `["DEBUG_SLAB"]`, with or without CONFIG_. */
  config: v.nullish(
    v.array(
      v.pipe(
        v.string(),
        v.transform((option) => option.replace(/^CONFIG_/, "")),
        v.picklist(
          BUILD_OPTIONS,
          (issue) =>
            `names no build option known here: ${issue.received}; there are ${BUILD_OPTIONS.join(", ")}`,
        ),
      ),
      "must be a list of build options",
    ),
    [],
  ),
});

/** One question, as JSON writes it; everything but `size` has a default. */
export type GeometryRequest = v.InferInput<typeof requestSchema>;
type CheckedRequest = v.InferOutput<typeof requestSchema>;

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
  readonly cpu_partial: number;
  readonly cpu_partial_slabs: number;
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
  const parsed = v.safeParse(requestSchema, request, { abortEarly: true });
  if (!parsed.success) return { error: describeIssue(parsed.issues[0]) };
  const checked = parsed.output;
  if ((checked.possibleCpus ?? checked.cpus) < checked.cpus) {
    return { error: `possibleCpus must be at least cpus (${checked.cpus})` };
  }
  try {
    return answer(checked, parseFlags(checked.kernel, checked.flags));
  } catch (error) {
    if (error instanceof UnknownFlagError || error instanceof BootParameterError) {
      return { error: error.message };
    }
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
  const cpus = request.possibleCpus ?? request.cpus;
  const cache = {
    name: request.name,
    size: request.size,
    align: request.align,
    flags: flags & cacheCreateMask(build),
    ctor: Boolean(request.ctor),
  };
  if (allocator === "slub") {
    const geometry = slubGeometry({ kernel, cpus, presentCpus: request.cpus }, parameters, cache);
    return geometry
      ? slubRow(columns, geometry, ~absentFlags(build))
      : "no slab holds one object (-EINVAL)";
  }
  const nodeCpus = cpusOfNode0(request.cpus, request.nodes);
  const geometry = slabGeometry({ kernel, cpus, nodeCpus, config }, parameters, cache);
  if (geometry) return slabRow(columns, geometry);
  return poisonsUnderRcu(kernel, cache.flags)
    ? "SLAB_POISON with SLAB_DESTROY_BY_RCU (BUG)"
    : "no slab holds one object (-E2BIG)";
}

/** CPUs are dealt to nodes in equal blocks, node 0 first. */
function cpusOfNode0(cpus: number, nodes: number): number {
  return Math.ceil(cpus / nodes);
}

function slubRow(columns: RequestColumns, s: SlubGeometry, presentFlags: number): SlubRow {
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
    cpu_partial: s.cpuPartial,
    cpu_partial_slabs: s.cpuPartialSlabs,
    out_flags: (s.flags & presentFlags) >>> 0,
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

/** One sentence for the first thing wrong with a question. */
function describeIssue(issue: v.BaseIssue<unknown>): string {
  const path = v.getDotPath(issue);
  if (path === null)
    return `a request is a JSON object with at least a size, not ${quoted(issue.received)}`;
  if (issue.type === "strict_object") {
    return issue.expected === "never"
      ? `unknown field "${quoted(path)}"; there are ${Object.keys(requestSchema.entries).join(", ")}`
      : `${path} is missing`;
  }
  return `${quoted(path)} ${quoted(issue.message)}`;
}
