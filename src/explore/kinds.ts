// SPDX-License-Identifier: MIT
/**
 * The kinds of access an explored memory sees, as small numbers, so that a log entry is one integer:
 *
 *      31 ......... 5 4 ... 0
 *     +--------------+-------+
 *     |  address     | kind  |      the offset instead of the address for this-CPU accesses
 *     +--------------+-------+
 *
 * That gives addresses 27 bits, which bounds the memory that can be explored.
 */
import type { Address } from "../machine/memory.ts";

export const READ8 = 0;
export const READ16 = 1;
export const READ32 = 2;
export const WRITE8 = 3;
export const WRITE16 = 4;
export const WRITE32 = 5;
export const FILL = 6;
export const COPY = 7;
export const FIND_OTHER = 8;
export const READ_ONCE = 9;
export const WRITE_ONCE = 10;
export const READ_RACY = 11;
export const LOAD_ACQUIRE = 12;
export const STORE_RELEASE = 13;
export const CMPXCHG = 14;
export const CMPXCHG_DOUBLE = 15;
export const XCHG = 16;
export const ADD = 17;
export const CPU_PTR = 18;
export const CPU_READ = 19;
export const CPU_CMPXCHG = 20;
export const CPU_CMPXCHG_DOUBLE = 21;
export const CPU_ADD = 22;
/** A look at the CPU itself, at "address" 0 its number; at others chance decides: see below. */
export const CPU_ID = 23;
export const COUNT = 24;
export const WAIT = 25;
export const KICK = 26;
/** Interrupts, or preemption, go off: the last moment for a context that needs them on. */
export const IRQS_OFF = 27;
export const PREEMPT_OFF = 28;
/** An operation begins. Never logged. */
export const BEGIN = 29;
/** A change of one element that is one step, whatever it computes. */
export const UPDATE = 30;
/** Waiters of a word are woken; no access and no point. */
export const NOTIFY = 31;

/** In place of an address, with CPU_ID. */
export const CYCLES = 1;
export const RANDOM = 2;

const NAMES = [
  "read8",
  "read16",
  "read32",
  "write8",
  "write16",
  "write32",
  "fill",
  "copy",
  "findOther",
  "readOnce",
  "writeOnce",
  "readRacy",
  "loadAcquire",
  "storeRelease",
  "cmpxchg",
  "cmpxchgDouble",
  "xchg",
  "add",
  "thisCpuPtr",
  "thisCpuRead",
  "thisCpuCmpxchg",
  "thisCpuCmpxchgDouble",
  "thisCpuAdd",
  "smpProcessorId",
  "count",
  "waitWhile",
  "kick",
  "irqSave",
  "preemptDisable",
  "begin",
  "update",
  "notify",
] as const;

export type KindName = (typeof NAMES)[number];

/** The most memory that an explored machine may have. */
export const MAX_EXPLORED_BYTES = 2 ** 27;

export function kindName(kind: number): KindName {
  return NAMES[kind] as KindName;
}

export function keyOf(kind: number, address: Address): number {
  return (address << 5) | kind;
}

export function kindOfKey(key: number): number {
  return key & 31;
}

export function addressOfKey(key: number): Address {
  return key >>> 5;
}

const set = (...kinds: number[]): number => kinds.reduce((bits, kind) => bits | (1 << kind), 0);

const WRITES = set(
  WRITE8,
  WRITE16,
  WRITE32,
  FILL,
  COPY,
  WRITE_ONCE,
  STORE_RELEASE,
  CMPXCHG,
  CMPXCHG_DOUBLE,
  XCHG,
  ADD,
  CPU_CMPXCHG,
  CPU_CMPXCHG_DOUBLE,
  KICK,
  UPDATE,
);
const PLAIN = set(READ8, READ16, READ32, WRITE8, WRITE16, WRITE32, FILL, COPY, FIND_OTHER);
const ATOMIC = set(CMPXCHG, CMPXCHG_DOUBLE, XCHG, ADD, KICK, UPDATE);
const ACQUIRE = ATOMIC | set(LOAD_ACQUIRE, WAIT, READ_ONCE);
const RELEASE = ATOMIC | set(STORE_RELEASE);
const LOADS = set(READ8, READ16, READ32, READ_ONCE, READ_RACY, LOAD_ACQUIRE, CPU_READ);
const WITHOUT_WORD = set(CPU_PTR, CPU_ID, IRQS_OFF, PREEMPT_OFF, BEGIN);
const RANGES = set(FILL, COPY, FIND_OTHER);

const TWO_WORDS = set(CMPXCHG_DOUBLE, CPU_CMPXCHG_DOUBLE);

/** May change the word. */
export const isWrite = (kind: number): boolean => ((WRITES >>> kind) & 1) !== 0;
/** An ordinary C access, which must not race. */
export const isPlain = (kind: number): boolean => ((PLAIN >>> kind) & 1) !== 0;
/** Orders later accesses after the word's last release; READ_ONCE does so for dependent ones. */
export const acquires = (kind: number): boolean => ((ACQUIRE >>> kind) & 1) !== 0;
export const releases = (kind: number): boolean => ((RELEASE >>> kind) & 1) !== 0;
/** A load that a CPU may do early. */
export const mayBeOld = (kind: number): boolean => ((LOADS >>> kind) & 1) !== 0;
/** Touches no word of the memory. */
export const isWithoutWord = (kind: number): boolean => ((WITHOUT_WORD >>> kind) & 1) !== 0;
/** Touches more than one word or pair. */
export const isRange = (kind: number): boolean => ((RANGES >>> kind) & 1) !== 0;
/** The swap has not stored; `value` and `a` are those that an observer hears. */
export function hasFailed(kind: number, value: number, a: number): boolean {
  if (kind === CMPXCHG || kind === CPU_CMPXCHG) return value !== a;
  return hasTwoWords(kind) && value === 0;
}
export const hasTwoWords = (kind: number): boolean => ((TWO_WORDS >>> kind) & 1) !== 0;
/** Bytes that an access covers, or all of its word; an observer hears `a` and `b`. */
export function bytesOf(kind: number, a: number, b: number): number {
  if (kind === FILL || kind === COPY) return a;
  if (kind === FIND_OTHER) return b;
  return hasTwoWords(kind) ? 8 : 4;
}
