/**
 * Cache flags (`slab_flags_t`): their bits, the names each kernel gives them, and which of them
 * `kmem_cache_create` lets through. Pure constants; nothing here is shared state.
 *
 *   31      30         29..26            25..20     19..16      15..12     11 10  8
 *   poison  cmpxchg    newer additions   policy     RCU, user   alignment  P  Z   F
 *   SLAB uses bits 31 and 30 of a finished cache for the place of its index array instead.
 *
 * Flags are int32 words, as they lie in `struct kmem_cache`: a flag word with bit 31 set is
 * negative until `>>> 0` prints it.
 */

export type AllocatorName = "slub" | "slab";
/** The kernels whose rules are known: 4.1.52 and 6.1.192. */
export type KernelVersion = "4.1" | "6.1";

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
export const SLAB_FAILSLAB = 0x2000000;
export const SLAB_ACCOUNT = 0x4000000;
/** 6.1: `slub_debug=` leaves the cache alone. */
export const SLAB_NO_USER_FLAGS = 0x10000000;

/** SLUB, internal: objects of this cache are poisoned when free. */
export const __OBJECT_POISON = 0x80000000 | 0;
/** SLUB, internal: freelist and counters change by one double-word swap. */
export const __CMPXCHG_DOUBLE = 0x40000000;
/** SLAB, internal: the index array lies in an object of another cache. */
export const CFLGS_OFF_SLAB = 0x80000000 | 0;
/** SLAB 6.1, internal: the index array lies in a free object of the slab itself. */
export const CFLGS_OBJFREELIST_SLAB = 0x40000000;

/** What SLUB calls a debug cache: no cpu partial list, no double-word swap in 4.1. */
export const SLAB_DEBUG_FLAGS =
  SLAB_RED_ZONE | SLAB_POISON | SLAB_STORE_USER | SLAB_TRACE | SLAB_CONSISTENCY_CHECKS;
/** The debug flags that make objects larger. */
export const DEBUG_METADATA_FLAGS = SLAB_RED_ZONE | SLAB_POISON | SLAB_STORE_USER;
/** What `slub_debug` without letters turns on. */
export const DEBUG_DEFAULT_FLAGS =
  SLAB_CONSISTENCY_CHECKS | SLAB_RED_ZONE | SLAB_POISON | SLAB_STORE_USER;

/** Build options that matter to a cache's shape, spelled as in a kernel .config without CONFIG_. */
export const BUILD_OPTIONS = [
  "DEBUG_SLAB",
  "ZONE_DMA",
  "MEMCG_KMEM",
  "FAILSLAB",
  // The next two change the order and the encoding of a freelist, never a cache's shape.
  "SLAB_FREELIST_RANDOM",
  "SLAB_FREELIST_HARDENED",
] as const;
export type BuildOption = (typeof BUILD_OPTIONS)[number];

/** What chose the kernel binary: which allocator, which version, which options. */
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
  const newer = build.kernel === "6.1";
  let mask = CORE_FLAGS | SLAB_NOLEAKTRACE | SLAB_RECLAIM_ACCOUNT;
  if (newer) mask |= SLAB_CACHE_DMA32;
  if (newer) mask |= SLAB_ACCOUNT & ~absentFlags(build);
  if (build.allocator === "slab") {
    mask |= SLAB_MEM_SPREAD;
    if (hasOption(build, "DEBUG_SLAB")) mask |= DEBUG_METADATA_FLAGS;
    return mask;
  }
  mask |= SLAB_DEBUG_FLAGS;
  if (newer) mask |= SLAB_KMALLOC | SLAB_NO_USER_FLAGS;
  return mask;
}

/**
 * Bits that mean nothing in a kernel built this way: there the flag's constant is 0, so that no
 * cache shows it, whoever asked for it.
 */
export function absentFlags(build: KernelBuild): number {
  let absent = SLAB_NOTRACK | SLAB_DEBUG_OBJECTS;
  if (!hasOption(build, "FAILSLAB")) absent |= SLAB_FAILSLAB;
  if (!hasOption(build, "MEMCG_KMEM")) absent |= SLAB_ACCOUNT;
  return absent;
}

/** Flags with which `kmem_cache_create` is not refused outright (SLAB_FLAGS_PERMITTED, since 4.10). */
export function flagsPermitted(build: KernelBuild): number {
  if (build.kernel === "4.1") return -1;
  return (
    CORE_FLAGS |
    SLAB_CACHE_DMA32 |
    SLAB_DEBUG_FLAGS |
    SLAB_MEM_SPREAD |
    SLAB_NOLEAKTRACE |
    SLAB_RECLAIM_ACCOUNT |
    SLAB_KMALLOC |
    SLAB_NO_USER_FLAGS |
    (SLAB_ACCOUNT & ~absentFlags(build))
  );
}

interface FlagName {
  readonly bit: number;
  /** The kernel's name without SLAB_; the first is 6.1's, a second one 4.1's or a common short form. */
  readonly names: readonly string[];
  readonly kernels: readonly KernelVersion[];
}

const BOTH = ["4.1", "6.1"] as const;

const FLAG_NAMES: readonly FlagName[] = [
  {
    bit: SLAB_CONSISTENCY_CHECKS,
    names: ["CONSISTENCY_CHECKS", "DEBUG_FREE", "CONSISTENCY"],
    kernels: BOTH,
  },
  { bit: SLAB_RED_ZONE, names: ["RED_ZONE"], kernels: BOTH },
  { bit: SLAB_POISON, names: ["POISON"], kernels: BOTH },
  { bit: SLAB_KMALLOC, names: ["KMALLOC"], kernels: ["6.1"] },
  { bit: SLAB_HWCACHE_ALIGN, names: ["HWCACHE_ALIGN", "HWCACHE"], kernels: BOTH },
  { bit: SLAB_CACHE_DMA, names: ["CACHE_DMA", "DMA"], kernels: BOTH },
  { bit: SLAB_CACHE_DMA32, names: ["CACHE_DMA32", "DMA32"], kernels: ["6.1"] },
  { bit: SLAB_STORE_USER, names: ["STORE_USER"], kernels: BOTH },
  {
    bit: SLAB_RECLAIM_ACCOUNT,
    names: ["RECLAIM_ACCOUNT", "TEMPORARY", "RECLAIM"],
    kernels: BOTH,
  },
  { bit: SLAB_PANIC, names: ["PANIC"], kernels: BOTH },
  { bit: SLAB_TYPESAFE_BY_RCU, names: ["TYPESAFE_BY_RCU", "DESTROY_BY_RCU", "RCU"], kernels: BOTH },
  { bit: SLAB_MEM_SPREAD, names: ["MEM_SPREAD"], kernels: BOTH },
  { bit: SLAB_TRACE, names: ["TRACE"], kernels: BOTH },
  { bit: SLAB_DEBUG_OBJECTS, names: ["DEBUG_OBJECTS"], kernels: BOTH },
  { bit: SLAB_NOLEAKTRACE, names: ["NOLEAKTRACE"], kernels: BOTH },
  { bit: SLAB_NOTRACK, names: ["NOTRACK"], kernels: ["4.1"] },
  { bit: SLAB_FAILSLAB, names: ["FAILSLAB"], kernels: BOTH },
  { bit: SLAB_ACCOUNT, names: ["ACCOUNT"], kernels: ["6.1"] },
  { bit: SLAB_NO_USER_FLAGS, names: ["NO_USER_FLAGS"], kernels: ["6.1"] },
];

/** A flag name or bit that no kernel of this version knows. */
export class UnknownFlagError extends Error {
  override name = "UnknownFlagError";
}

/**
 * Reads cache flags: a number, or names parted by commas or bars, each with or without SLAB_.
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

function namedBit(kernel: KernelVersion, name: string, written: string): number {
  const flag = FLAG_NAMES.find((f) => f.names.includes(name) && f.kernels.includes(kernel));
  if (flag !== undefined) return flag.bit;
  throw new UnknownFlagError(
    `unknown flag "${written}"; kernel ${kernel} has ${flagNames(kernel).join(", ")}`,
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
  return FLAG_NAMES.filter((flag) => flag.kernels.includes(kernel)).map((flag) =>
    nameOf(kernel, flag),
  );
}

/** The names of the flags set in a word, as the kernel would write them, lowest bit first. */
export function describeFlags(kernel: KernelVersion, flags: number): string[] {
  return FLAG_NAMES.filter((flag) => (flags & flag.bit) !== 0).map((flag) => nameOf(kernel, flag));
}

function nameOf(kernel: KernelVersion, flag: FlagName): string {
  const renamed = flag.bit === SLAB_CONSISTENCY_CHECKS || flag.bit === SLAB_TYPESAFE_BY_RCU;
  return `SLAB_${(kernel === "4.1" && renamed && flag.names[1]) || flag.names[0]}`;
}

const KNOWN_BITS: Readonly<Record<KernelVersion, number>> = {
  "4.1": knownBits("4.1"),
  "6.1": knownBits("6.1"),
};

function knownBits(kernel: KernelVersion): number {
  return FLAG_NAMES.reduce(
    (bits, flag) => (flag.kernels.includes(kernel) ? bits | flag.bit : bits),
    0,
  );
}
