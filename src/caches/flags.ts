// SPDX-License-Identifier: GPL-2.0-only
/**
 * Cache flags (`slab_flags_t`): their bits, the names each kernel gives them, and which of them
 * `kmem_cache_create` lets through. Pure constants; nothing here is shared state.
 *
 *   31      30         29..26            25..20     19..16      15..12     11 10  8
 *   poison  cmpxchg    later additions   policy     RCU, user   alignment  P  Z   F
 *   SLAB uses bits 31 and 30 of a finished cache for the place of its index array instead.
 *
 * Flags are int32 words, as they lie in `struct kmem_cache`: a flag word with bit 31 set is
 * negative until `>>> 0` prints it.
 */
import { quoted } from "../machine/quoted.ts";
import { type KernelVersion, type Release, since } from "./kernel-version.ts";

export const ALLOCATORS = ["slub", "slab"] as const;
export type AllocatorName = (typeof ALLOCATORS)[number];

/** Consistency checks (`F`). 4.1 calls it SLAB_DEBUG_FREE. */
export const SLAB_CONSISTENCY_CHECKS = 0x100;
export const SLAB_RED_ZONE = 0x400;
export const SLAB_POISON = 0x800;
/** 6.1: the cache belongs to the kmalloc array. */
export const SLAB_KMALLOC = 0x1000;
export const SLAB_HWCACHE_ALIGN = 0x2000;
export const SLAB_CACHE_DMA = 0x4000;
export const SLAB_CACHE_DMA32 = 0x8000;
export const SLAB_STORE_USER = 0x10000;
export const SLAB_RECLAIM_ACCOUNT = 0x20000;
export const SLAB_PANIC = 0x40000;
/** Slab pages survive until a grace period has passed. 4.1 calls it SLAB_DESTROY_BY_RCU. */
export const SLAB_TYPESAFE_BY_RCU = 0x80000;
export const SLAB_MEM_SPREAD = 0x100000;
export const SLAB_TRACE = 0x200000;
export const SLAB_DEBUG_OBJECTS = 0x400000;
export const SLAB_NOLEAKTRACE = 0x800000;
/** 4.1: kmemcheck leaves the cache alone. The bit means nothing in a kernel without kmemcheck. */
export const SLAB_NOTRACK = 0x1000000;
/** 7.1: the cache stays alone. */
export const SLAB_NO_MERGE = 0x1000000;
export const SLAB_FAILSLAB = 0x2000000;
export const SLAB_ACCOUNT = 0x4000000;
/** KFENCE takes no object of the cache: the file skip_kfence sets it, no caller. */
export const SLAB_SKIP_KFENCE = 0x200;
/** KASAN: objects of the cache have notes, so that it stays alone. */
export const SLAB_KASAN = 0x8000000;
/** 6.1: `slub_debug=` leaves the cache alone. */
export const SLAB_NO_USER_FLAGS = 0x10000000;
/** 7.1, internal: objects of the cache have no extensions, and the cache no sheaves. */
export const SLAB_NO_OBJ_EXT = 0x20000000;

/** SLUB, internal: objects of this cache are poisoned when free. */
export const __OBJECT_POISON = 0x80000000 | 0;
/** SLUB, internal: freelist and counters change by one double-word swap. */
export const __CMPXCHG_DOUBLE = 0x40000000;
/** SLAB, internal: the index array lies in an object of another cache. */
export const CFLGS_OFF_SLAB = 0x80000000 | 0;
/** SLAB 6.1, internal: the index array lies in a free object of the slab itself. */
export const CFLGS_OBJFREELIST_SLAB = 0x40000000;

/** The flags of what SLUB calls a debug cache: no cpu partial list, no double-word swap in 4.1. */
export const SLAB_DEBUG_FLAGS =
  SLAB_RED_ZONE | SLAB_POISON | SLAB_STORE_USER | SLAB_TRACE | SLAB_CONSISTENCY_CHECKS;
/** The debug flags that make objects larger. */
export const DEBUG_METADATA_FLAGS = SLAB_RED_ZONE | SLAB_POISON | SLAB_STORE_USER;
/** The flags that `slub_debug` without letters turns on. */
export const DEBUG_DEFAULT_FLAGS =
  SLAB_CONSISTENCY_CHECKS | SLAB_RED_ZONE | SLAB_POISON | SLAB_STORE_USER;

/** Build options that matter to a cache's shape, spelled as in a kernel .config without CONFIG_. */
export const BUILD_OPTIONS = [
  "DEBUG_SLAB",
  "ZONE_DMA",
  "MEMCG_KMEM",
  "FAILSLAB",
  "KASAN",
  "KMEMCHECK",
] as const;
export type BuildOption = (typeof BUILD_OPTIONS)[number];

/** Build options that are options of a boot here: each switch has one name. */
const BOOT_OPTIONS: Readonly<Record<string, string>> = {
  SLAB_FREELIST_HARDENED: "hardened",
  SLAB_FREELIST_RANDOM: "randomized",
  INIT_ON_ALLOC_DEFAULT_ON: "initOnAlloc",
  INIT_ON_FREE_DEFAULT_ON: "initOnFree",
};

/** A build option, written with or without CONFIG_; undefined where `config` takes no such name. */
export function buildOptionOf(written: string): BuildOption | undefined {
  return BUILD_OPTIONS.find((name) => name === withoutPrefix(written));
}

/** The boot option that stands for a build option of Linux, if one does. */
export function bootOptionOf(written: string): string | undefined {
  const name = withoutPrefix(written);
  return Object.hasOwn(BOOT_OPTIONS, name) ? BOOT_OPTIONS[name] : undefined;
}

/** Why `config` does not take a name, and what to write instead. */
export function whyNoBuildOption(written: string): string {
  const name = quoted(withoutPrefix(written));
  const bootOption = bootOptionOf(written);
  return bootOption === undefined
    ? `"${name}" names no build option known here; there are ${BUILD_OPTIONS.join(", ")}`
    : `${name} is set by the boot option ${bootOption}`;
}

function withoutPrefix(written: string): string {
  return written.replace(/^CONFIG_/, "");
}

/** The choices behind a kernel binary: its allocator, version and options. */
export interface KernelBuild {
  readonly allocator: AllocatorName;
  readonly kernel: KernelVersion;
  readonly config?: readonly BuildOption[];
}

export function hasOption(build: KernelBuild, option: BuildOption): boolean {
  return build.config?.includes(option) ?? false;
}

const CORE_FLAGS = SLAB_HWCACHE_ALIGN | SLAB_CACHE_DMA | SLAB_PANIC | SLAB_TYPESAFE_BY_RCU;

/**
 * The flags a created cache may keep; the others are dropped without a word (CACHE_CREATE_MASK).
 * Flags of options that are not built in (kmemcheck, failslab, debugobjects) are 0 in such a kernel.
 */
export function cacheCreateMask(build: KernelBuild): number {
  const { kernel } = build;
  // What is not permitted is refused, and nothing dropped.
  if (since(kernel, "6.15")) return -1;
  let mask = CORE_FLAGS | SLAB_NOLEAKTRACE | SLAB_RECLAIM_ACCOUNT;
  if (since(kernel, "5.1")) mask |= SLAB_CACHE_DMA32;
  if (since(kernel, "4.5")) mask |= SLAB_ACCOUNT & ~absentFlags(build);
  if (hasKmemcheck(build)) mask |= SLAB_NOTRACK;
  if (build.allocator === "slab") {
    mask |= SLAB_MEM_SPREAD;
    if (hasOption(build, "DEBUG_SLAB")) mask |= DEBUG_METADATA_FLAGS;
    return mask;
  }
  mask |= SLAB_DEBUG_FLAGS;
  if (since(kernel, "5.19")) mask |= SLAB_NO_USER_FLAGS;
  if (since(kernel, "6.1")) mask |= SLAB_KMALLOC;
  return mask;
}

/** kmemcheck was removed in 4.15. */
function hasKmemcheck(build: KernelBuild): boolean {
  return hasOption(build, "KMEMCHECK") && !since(build.kernel, "4.15");
}

/**
 * Bits that mean nothing in a kernel built this way: there the flag's constant is 0, so that no
 * cache ever shows it.
 */
export function absentFlags(build: KernelBuild): number {
  let absent = SLAB_DEBUG_OBJECTS;
  if (!since(build.kernel, "6.5") && !hasKmemcheck(build)) absent |= SLAB_NOTRACK;
  if (!hasOption(build, "FAILSLAB")) absent |= SLAB_FAILSLAB;
  if (!hasOption(build, "MEMCG_KMEM")) absent |= SLAB_ACCOUNT;
  return absent;
}

/**
 * Flags with which `kmem_cache_create` is not refused outright (SLAB_FLAGS_PERMITTED, since 4.10).
 */
export function flagsPermitted(build: KernelBuild): number {
  if (!since(build.kernel, "4.10")) return -1;
  const own = since(build.kernel, "6.5") ? SLAB_NO_MERGE : SLAB_MEM_SPREAD;
  return (
    own |
    CORE_FLAGS |
    SLAB_CACHE_DMA32 |
    SLAB_DEBUG_FLAGS |
    SLAB_NOLEAKTRACE |
    SLAB_RECLAIM_ACCOUNT |
    SLAB_KMALLOC |
    SLAB_NO_USER_FLAGS |
    (SLAB_ACCOUNT & ~absentFlags(build))
  );
}

interface FlagName {
  readonly bit: number;
  /** The kernel's name without SLAB_; behind it an earlier one, or common short forms. */
  readonly names: readonly string[];
  /** The release that brought the flag; all kernels have it where left out. */
  readonly since?: Release;
  /** The release that took it away. */
  readonly until?: Release;
  /** The release that gave it its first name; until then it had the second. */
  readonly renamed?: Release;
}

const FLAG_NAMES: readonly FlagName[] = [
  {
    bit: SLAB_CONSISTENCY_CHECKS,
    names: ["CONSISTENCY_CHECKS", "DEBUG_FREE", "CONSISTENCY"],
    renamed: "4.6",
  },
  { bit: SLAB_RED_ZONE, names: ["RED_ZONE"] },
  { bit: SLAB_POISON, names: ["POISON"] },
  { bit: SLAB_KMALLOC, names: ["KMALLOC"], since: "6.1" },
  { bit: SLAB_HWCACHE_ALIGN, names: ["HWCACHE_ALIGN", "HWCACHE"] },
  { bit: SLAB_CACHE_DMA, names: ["CACHE_DMA", "DMA"] },
  { bit: SLAB_CACHE_DMA32, names: ["CACHE_DMA32", "DMA32"], since: "5.1" },
  { bit: SLAB_STORE_USER, names: ["STORE_USER"] },
  {
    bit: SLAB_RECLAIM_ACCOUNT,
    names: ["RECLAIM_ACCOUNT", "TEMPORARY", "RECLAIM"],
  },
  { bit: SLAB_PANIC, names: ["PANIC"] },
  {
    bit: SLAB_TYPESAFE_BY_RCU,
    names: ["TYPESAFE_BY_RCU", "DESTROY_BY_RCU", "RCU"],
    renamed: "4.12",
  },
  { bit: SLAB_MEM_SPREAD, names: ["MEM_SPREAD"], until: "6.8" },
  { bit: SLAB_TRACE, names: ["TRACE"] },
  { bit: SLAB_DEBUG_OBJECTS, names: ["DEBUG_OBJECTS"] },
  { bit: SLAB_NOLEAKTRACE, names: ["NOLEAKTRACE"] },
  { bit: SLAB_NOTRACK, names: ["NOTRACK"], until: "4.15" },
  { bit: SLAB_NO_MERGE, names: ["NO_MERGE"], since: "6.5" },
  { bit: SLAB_FAILSLAB, names: ["FAILSLAB"] },
  { bit: SLAB_ACCOUNT, names: ["ACCOUNT"], since: "4.5" },
  { bit: SLAB_NO_USER_FLAGS, names: ["NO_USER_FLAGS"], since: "5.19" },
];

/** A flag name or bit that no kernel of this version knows. */
export class UnknownFlagError extends Error {
  override name = "UnknownFlagError";
}

/**
 * Reads cache flags: a number, or names separated by commas or bars, each with or without SLAB_.
 * @throws UnknownFlagError naming the first thing that is no flag of this kernel.
 */
export function parseFlags(kernel: KernelVersion, given: number | string): number {
  if (typeof given === "number") return checkedBits(kernel, given);
  if (given.trim() === "") return 0;
  let flags = 0;
  for (const word of given.split(/[,|]/)) {
    const name = word.trim().toUpperCase();
    if (/^(0X[0-9A-F]+|[0-9]+)$/.test(name)) flags |= checkedBits(kernel, Number(name));
    else flags |= namedBit(kernel, name.replace(/^SLAB_/, ""), word.trim());
  }
  return flags;
}

function hasFlag(kernel: KernelVersion, flag: FlagName): boolean {
  return since(kernel, flag.since ?? "0.0") && !(flag.until && since(kernel, flag.until));
}

function namedBit(kernel: KernelVersion, name: string, written: string): number {
  const flag = FLAG_NAMES.find((f) => f.names.includes(name) && hasFlag(kernel, f));
  if (flag !== undefined) return flag.bit;
  throw new UnknownFlagError(
    `unknown flag "${quoted(written)}"; kernel ${kernel} has ${flagNames(kernel).join(", ")}`,
  );
}

function checkedBits(kernel: KernelVersion, bits: number): number {
  const known = KNOWN_BITS[kernel];
  const fits = Number.isInteger(bits) && bits >= 0 && bits <= 0xffffffff;
  const unknown = fits ? bits & ~known : 0;
  if (fits && unknown === 0) return bits | 0;
  const what = fits ? `flag bits 0x${(unknown >>> 0).toString(16)}` : `flags ${bits}`;
  throw new UnknownFlagError(
    `unknown ${what}; kernel ${kernel} knows the bits 0x${(known >>> 0).toString(16)}`,
  );
}

/** The kernel's own names of all flags it knows, for messages and help. */
export function flagNames(kernel: KernelVersion): string[] {
  return FLAG_NAMES.filter((flag) => hasFlag(kernel, flag)).map((flag) => nameOf(kernel, flag));
}

/** The names of the flags set in a word, as the kernel would write them, lowest bit first. */
export function describeFlags(kernel: KernelVersion, flags: number): string[] {
  const set = FLAG_NAMES.filter((flag) => (flags & flag.bit) !== 0);
  // A bit with two names has the one that this kernel knows.
  const isShown = (flag: FlagName) =>
    hasFlag(kernel, flag) || !set.some((other) => other !== flag && other.bit === flag.bit);
  return set.filter(isShown).map((flag) => nameOf(kernel, flag));
}

function nameOf(kernel: KernelVersion, flag: FlagName): string {
  const isEarlier = flag.renamed !== undefined && !since(kernel, flag.renamed);
  return `SLAB_${flag.names[isEarlier ? 1 : 0]}`;
}

const KNOWN_BITS: Readonly<Record<KernelVersion, number>> = {
  "4.1": knownBits("4.1"),
  "6.1": knownBits("6.1"),
  "6.19": knownBits("6.19"),
  "7.1": knownBits("7.1"),
};

function knownBits(kernel: KernelVersion): number {
  return FLAG_NAMES.reduce((bits, flag) => (hasFlag(kernel, flag) ? bits | flag.bit : bits), 0);
}
