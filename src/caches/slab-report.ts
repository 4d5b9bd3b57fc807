// SPDX-License-Identifier: GPL-2.0-only
/** A report of damage as data: what is wrong, where, and who had the object before. */
import type { FailureClass } from "../machine/kernel-bug.ts";
import type { Address } from "../machine/memory.ts";
import type { PagePtr } from "../pages/page.ts";

export interface SlabReport {
  /** Name of the cache. */
  readonly cache: string;
  readonly failure: FailureClass;
  /** The kernel's words: "Redzone overwritten". */
  readonly message: string;
  readonly slab: SlabState;
  readonly object?: Address;
  /** The word at the object's place for its free pointer: garbage where the user's data lie there. */
  readonly freePointer?: Address;
  /** The last allocation and the last free of the object, where the cache tracks them. */
  readonly allocated?: Track;
  readonly freed?: Track;
  /** The calls that found it, innermost first: of a double free, those of the second one. */
  readonly finder: readonly string[];
  /** Bytes that are not what they should be: the first to the last wrong one. */
  readonly wrong?: WrongBytes;
  /** The memory around, part by part, as it was found. */
  readonly sections: readonly Section[];
}

export interface SlabState {
  readonly page: PagePtr;
  /** Its first byte. */
  readonly start: Address;
  readonly objects: number;
  readonly used: number;
  readonly freelist: Address;
  /** PG_ bits, node and log2 of the pages. */
  readonly flags: number;
  readonly node: number;
  readonly order: number;
}

export interface WrongBytes {
  readonly first: Address;
  readonly last: Address;
  readonly found: number;
  readonly expected: number;
}

/** A track as a reader gets it. */
export interface Track {
  /** Callers, innermost first; empty where none could be stored. */
  readonly stack: readonly string[];
  readonly cpu: number;
  /** Number of the task or interrupt that called. */
  readonly task: number;
  /** Milliseconds since then. */
  readonly age: number;
}

export interface Section {
  /** "Object", "Redzone", "Padding", "Bytes b4". */
  readonly name: string;
  readonly at: Address;
  readonly bytes: readonly number[];
}
