// SPDX-License-Identifier: GPL-2.0-only
/** What a boot may be asked for. */
import type { ParameterValue } from "../caches/boot-parameters.ts";
import { checkedFaults, type FaultSettings } from "../caches/fault-injection.ts";
import {
  ALLOCATORS,
  type AllocatorName,
  type BuildOption,
  buildOptionOf,
  whyNoBuildOption,
} from "../caches/flags.ts";
import {
  DEFAULT_KERNEL,
  ERAS,
  type Era,
  KERNEL_VERSIONS,
  type KernelVersion,
  NEWEST_KERNEL,
  since,
} from "../caches/kernel-version.ts";
import type { KfenceSettings } from "../caches/kfence/kfence.ts";
import { MAX_TASKS } from "../machine/cpus.ts";
import {
  type Growth,
  MAX_MEMORY_BYTES,
  MAX_NUMNODES,
  NO_GROWTH,
  PAGE_SIZE,
} from "../machine/machine.ts";
import {
  BOOLEAN,
  checkedOptions,
  type Kind,
  listOf,
  NUMBER,
  OBJECT,
  oneOf,
  orNull,
  STRING,
  whole,
} from "../machine/option-check.ts";
import { isShared, memoryOf, type WasmMemory } from "../machine/platform.ts";
import { MIB } from "../machine/units.ts";

/** How page->freelist and counters are swapped as one. */
export type SwapKind = "wasm" | "atomics" | "slab_lock";

export interface BootOptions {
  /** Simulated CPUs: how many threads allocate at once. 1 to 64. */
  readonly cpus?: number;
  /** Memory nodes, each with its share of CPUs and pages. */
  readonly nodes?: number;
  /** Bytes of memory, at most 2 GiB; or where they lie in a memory of the program's. */
  readonly memory?: number | MemoryRegion;
  /** Bytes that the memory may grow to, by itself or by `grow`: parts of it come when they are needed. */
  readonly maximum?: number;
  /** Threads that may attach; more than CPUs if they shall take turns. */
  readonly tasks?: number;
  readonly allocator?: AllocatorName;
  /** Default: "7.1", the newest; of SLAB, which Linux 6.8 removed, "4.1". */
  readonly kernel?: KernelVersion;
  /** The kernel's boot parameters by name, as on its command line: `{ slub_debug: "FZPU" }`. */
  readonly parameters?: Readonly<Record<string, ParameterValue>>;
  readonly swap?: SwapKind;
  /** `seed`: without the fix for CVE-2022-49700. */
  readonly era?: Era;
  /** Encode free pointers, so that overwritten ones are noticed. */
  readonly hardened?: boolean;
  /** Hand a slab's objects out in random order. */
  readonly randomized?: boolean;
  /** Zero objects and whole pages when they are handed out, or when they come back. */
  readonly initOnAlloc?: boolean;
  readonly initOnFree?: boolean;
  /** Tasks may have memory policies, and be confined to nodes: `kernel.policies`. */
  readonly policies?: boolean;
  /** Watermarks, reserves and shrinkers: `kernel.reserves`. */
  readonly reserves?: boolean;
  /** Let allocations of objects, or requests for pages, fail on purpose once the machine is up. */
  readonly failSlab?: Partial<FaultSettings> | null;
  readonly failPages?: Partial<FaultSettings> | null;
  /** Memory groups (MEMCG_KMEM): what a task allocates can be charged to a group with a limit. */
  readonly groups?: boolean;
  /**
   * Address checking (KASAN): accesses through views beyond what was asked for, or of what is free, are
   * reported on the console. `panic`: and end in a KernelBug.
   */
  readonly kasan?: boolean | "panic";
  /**
   * Sampled address checking (KFENCE, not in 4.1): a few objects get a page of their own between guard
   * pages. Cheap enough to be always on.
   */
  readonly kfence?: boolean | Partial<KfenceSettings>;
  /**
   * Uninitialised reads (kmemcheck, 4.1 only): a read through a view of bytes that nobody has written is
   * reported on the console. `panic`: and ends in a KernelBug.
   */
  readonly kmemcheck?: boolean | "panic";
  /** Leak detection (kmemleak): `kernel.debug.kmemleak` finds the objects that nothing points to. */
  readonly kmemleak?: boolean;
  /** Build options that have no option of their own, as in a .config without CONFIG_: DEBUG_SLAB, … */
  readonly config?: readonly BuildOption[];
  readonly seed?: number;
  /** Nodes whose memory is not there at boot: `nodeOnline` brings it, `nodeOffline` takes it away. */
  readonly absentNodes?: readonly number[];
  /** Bytes beyond `memory` for a checker. */
  readonly checker?: number;
}

/** A region of a program's memory. The program has all that lies outside of it. */
export interface MemoryRegion {
  /** A WebAssembly.Memory that is shared, or a SharedArrayBuffer. */
  readonly buffer: WasmMemory | SharedArrayBuffer;
  /** Where it begins, in bytes: a multiple of 4096. Default 0. */
  readonly offset?: number;
  /** Bytes. Default: up to the end. */
  readonly length?: number;
}

/** How a kernel was booted: plain data, without its memory. */
export interface BootedOptions extends Omit<Required<BootOptions>, "memory" | "maximum"> {
  /** Bytes of memory, and where they begin. */
  readonly memory: number;
  readonly offset: number;
  readonly maximum: number;
}

const DEFAULTS: Omit<Required<BootOptions>, "kernel" | "memory" | "maximum"> & { memory: number } =
  {
    cpus: 4,
    nodes: 1,
    memory: 64 * MIB,
    tasks: MAX_TASKS,
    allocator: "slub",
    parameters: {},
    swap: "wasm",
    era: "fixed",
    hardened: false,
    randomized: false,
    initOnAlloc: false,
    initOnFree: false,
    policies: false,
    reserves: false,
    failSlab: null,
    failPages: null,
    groups: false,
    kasan: false,
    kfence: false,
    kmemcheck: false,
    kmemleak: false,
    config: [],
    seed: 1,
    absentNodes: [],
    checker: 0,
  };

/** The kernel of a memory whose user names none: the newest SLUB, which is the fastest, too. */
function usualKernel(allocator: AllocatorName): KernelVersion {
  return allocator === "slab" ? DEFAULT_KERNEL : NEWEST_KERNEL;
}

const INT = 2 ** 31 - 1;

const SWITCH_OR_PANIC: Kind = {
  what: '"panic", true or false',
  is: (v) => BOOLEAN.is(v) || v === "panic",
};

/** What createMachine looks at in its own words is a number here. */
const KINDS: Readonly<Record<keyof BootOptions, Kind>> = {
  cpus: NUMBER,
  nodes: NUMBER,
  memory: { what: "a number of bytes, or a region", is: (v) => NUMBER.is(v) || OBJECT.is(v) },
  maximum: NUMBER,
  tasks: NUMBER,
  allocator: oneOf(ALLOCATORS),
  kernel: oneOf(KERNEL_VERSIONS),
  parameters: OBJECT,
  swap: oneOf(["wasm", "atomics", "slab_lock"]),
  era: oneOf(ERAS),
  hardened: BOOLEAN,
  randomized: BOOLEAN,
  initOnAlloc: BOOLEAN,
  initOnFree: BOOLEAN,
  policies: BOOLEAN,
  reserves: BOOLEAN,
  failSlab: orNull(OBJECT),
  failPages: orNull(OBJECT),
  groups: BOOLEAN,
  kasan: SWITCH_OR_PANIC,
  kmemcheck: SWITCH_OR_PANIC,
  kmemleak: BOOLEAN,
  kfence: { what: "true, false or settings", is: (v) => BOOLEAN.is(v) || OBJECT.is(v) },
  config: listOf(STRING),
  seed: whole(-INT - 1, 2 * INT + 1),
  absentNodes: listOf(NUMBER),
  checker: NUMBER,
};

/**
 * All options, with what was left out.
 * @throws RangeError for one that there is not, that is of another type, or that no machine could meet.
 */
export function bootOptionsOf(given: BootOptions): BootedOptions {
  const { memory = DEFAULTS.memory, maximum, ...rest } = checkedOptions("boot", given, KINDS);
  const place = placeOf(memory);
  const kernel = rest.kernel ?? usualKernel(rest.allocator ?? DEFAULTS.allocator);
  const all = { ...DEFAULTS, ...rest, ...place, kernel, maximum: maximum ?? place.memory };
  if (!(all.nodes > 0)) throw new RangeError(`boot: nodes must be at least 1, not ${all.nodes}`);
  checkMaximum(all);
  for (const name of ["failSlab", "failPages"] as const) checkedFaults(name, all[name] ?? {});
  const unknown = all.config.find((name) => buildOptionOf(name) === undefined);
  if (unknown !== undefined) throw new RangeError(`config: ${whyNoBuildOption(unknown)}`);
  const absent = new Set(all.absentNodes);
  for (const nid of absent) {
    if (Number.isInteger(nid) && nid >= 0 && nid < all.nodes) continue;
    throw new RangeError(`absentNodes: there is no node ${nid}`);
  }
  if (absent.size === all.nodes) {
    throw new RangeError("absentNodes: one node's memory must be there");
  }
  const whyNot = all.kasan === false ? undefined : whyNoKasan(all);
  if (whyNot !== undefined) throw new RangeError(whyNot);
  refuseKfence(all);
  if (all.kmemcheck !== false && (since(all.kernel, "4.15") || all.kasan !== false)) {
    const why = all.kasan === false ? `Linux ${all.kernel} has none` : "not together with kasan";
    throw new RangeError(`kmemcheck: ${why}`);
  }
  const wanted: readonly [boolean, BuildOption][] = [
    [all.groups, "MEMCG_KMEM"],
    [all.kasan !== false, "KASAN"],
    [all.kmemcheck !== false, "KMEMCHECK"],
  ];
  const missing = wanted.filter(([isOn, name]) => isOn && !all.config.includes(name));
  const config = [...all.config, ...missing.map(([, name]) => name)];
  return { ...all, config };
}

/** Why a kernel cannot have KASAN; undefined: it can. */
export function whyNoKasan(
  of: Pick<BootedOptions, "allocator" | "kernel" | "config">,
): string | undefined {
  const isDebug = of.config.includes("DEBUG_SLAB");
  if (of.allocator === "slub" || (since(of.kernel, "4.6") && !isDebug)) return undefined;
  return `kasan: SLAB ${isDebug ? "with DEBUG_SLAB" : `of Linux ${of.kernel}`} has no KASAN`;
}

/** Why a kernel cannot have KFENCE; undefined: it can. */
export function whyNoKfence(kernel: KernelVersion): string | undefined {
  if (since(kernel, "5.12")) return undefined;
  return `kfence: Linux ${kernel} has no KFENCE, which came with 5.12`;
}

const KFENCE_KINDS: Readonly<Record<keyof KfenceSettings, Kind>> = {
  sampleInterval: whole(1, INT),
  numObjects: {
    what: "one less than a power of two, up to 255",
    is: (v) => [1, 3, 7, 15, 31, 63, 127, 255].includes(v as number),
  },
  fault: oneOf(["report", "panic"]),
};

const KFENCE_DEFAULTS: KfenceSettings = {
  sampleInterval: 10_000,
  numObjects: 255,
  fault: "report",
};

/** The settings of KFENCE; undefined: it is off. */
export function kfenceSettings({
  kfence,
}: Pick<BootedOptions, "kfence">): KfenceSettings | undefined {
  if (kfence === false) return undefined;
  return { ...KFENCE_DEFAULTS, ...(kfence === true ? {} : kfence) };
}

/** @throws RangeError where KFENCE cannot be had, or not with such settings */
function refuseKfence(options: BootedOptions): void {
  const { kfence, kernel } = options;
  if (kfence === false) return;
  if (kfence !== true) checkedOptions("kfence", kfence, KFENCE_KINDS);
  const why = whyNoKfence(kernel);
  if (why !== undefined) throw new RangeError(why);
}

/** Parts of at least so many bytes come at once. */
const LEAST_GROWTH = MIB;

function checkMaximum({ memory, maximum, nodes }: BootedOptions): void {
  if (maximum === memory) return;
  if (maximum > MAX_MEMORY_BYTES) {
    throw new RangeError(`maximum: ${maximum} is more than ${MAX_MEMORY_BYTES} bytes`);
  }
  const isWhole = maximum % PAGE_SIZE === 0 && memory % PAGE_SIZE === 0;
  if (!(isWhole && maximum >= memory + LEAST_GROWTH)) {
    throw new RangeError(
      `maximum: ${maximum} is not at least a MiB more than the memory of ${memory} bytes, both in whole pages`,
    );
  }
  if (nodes >= MAX_NUMNODES) {
    throw new RangeError(`maximum: memory grows by nodes, and ${nodes} are all that there can be`);
  }
}

/** What comes after the boot: parts as large as the memory is at first, while there are nodes for them. */
export function growthOf({ memory, maximum, nodes }: BootedOptions): Growth {
  const bytes = maximum - memory;
  if (bytes === 0) return NO_GROWTH;
  return { nodes: Math.min(MAX_NUMNODES - nodes, Math.ceil(bytes / memory)), bytes };
}

export const REGION_KINDS: Readonly<Record<keyof MemoryRegion, Kind>> = {
  buffer: {
    what: "a shared WebAssembly.Memory, or a SharedArrayBuffer",
    is: (v) => OBJECT.is(v) && isShared(v),
  },
  offset: NUMBER,
  length: NUMBER,
};

function placeOf(memory: number | MemoryRegion): { memory: number; offset: number } {
  if (Number.isNaN(memory)) throw new RangeError("boot: memory must be a number of bytes, not NaN");
  if (typeof memory === "number") return { memory, offset: 0 };
  const region = checkedOptions("memory", memory, REGION_KINDS);
  if (region.buffer === undefined) {
    throw new RangeError("memory: buffer is missing; a WebAssembly.Memory is given as { buffer }");
  }
  const { offset = 0, length = memoryOf(region.buffer).buffer.byteLength - offset } = region;
  return { memory: length, offset };
}

/** The memory of the program that the kernel is to lie in; undefined: it gets one of its own. */
export function givenMemory({ memory }: BootOptions): WasmMemory | undefined {
  return typeof memory === "object" ? memoryOf(memory.buffer) : undefined;
}
