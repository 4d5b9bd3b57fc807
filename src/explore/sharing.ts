// SPDX-License-Identifier: MIT
/**
 * Which words are shared: more than one context touches them, and at least one of these writes. Any
 * other word is no scheduling point: reads commute, and no context depends on the moment of an access
 * to a word of one context alone.
 *
 * The set is learnt: a word belongs to the first context seen on it, in whichever schedule, until a
 * second one is seen; then it is only read, until it is written. When a word becomes shared in the
 * middle of a search (`grown`), schedules were missed, and no bound may be called complete until a
 * whole search has passed without it.
 *
 * Of each shared word the kinds of access are kept, by context: two accesses of different contexts of
 * which one writes are a conflicting pair. Without such a pair every order of the accesses is the same.
 */
import type { Address } from "../machine/memory.ts";
import { isWrite } from "./kinds.ts";
import { WordTable } from "./word-table.ts";

/** Of a word: untouched, shared, only read by several contexts, or 2 (context + 1) + (written or not). */
const UNTOUCHED = 0;
const SHARED = -1;
const READ_BY_SEVERAL = -2;

/** Two accesses to one word by different contexts, at least one a write. */
export interface Conflict {
  readonly address: Address;
  readonly contexts: readonly [number, number];
  readonly kinds: readonly [number, number];
}

export class Sharing {
  private readonly states: WordTable;
  private readonly byteLength: number;
  private readonly alwaysFrom: Address;
  private readonly alwaysTo: Address;
  /** Shared words, and by context the kinds of access to each, as bits. */
  private readonly shared = new Set<Address>();
  private readonly kinds: WordTable[] = [];
  /** A word has become shared since this was last set to false. */
  grown = false;
  /** How often that has happened. */
  growths = 0;

  /** Words from `alwaysFrom` up to `alwaysTo` are shared from the start. */
  constructor(byteLength: number, alwaysFrom: Address, alwaysTo: Address) {
    this.states = new WordTable(byteLength);
    this.byteLength = byteLength;
    this.alwaysFrom = alwaysFrom;
    this.alwaysTo = alwaysTo;
  }

  /** `context` does an access of `kind` to the word. Returns whether the word is shared. */
  touch(address: Address, context: number, kind: number): boolean {
    return this.learn(address, context, kind, isWrite(kind));
  }

  isShared(address: Address): boolean {
    return this.states.get(address) === SHARED;
  }

  /** Like touch, for all words of a range, which the access writes or only reads. */
  touchRange(
    address: Address,
    bytes: number,
    context: number,
    kind: number,
    writes = isWrite(kind),
  ): boolean {
    let shared = false;
    for (let at = address & ~3; at < address + bytes; at += 4) {
      if (this.learn(at, context, kind, writes)) shared = true;
    }
    return shared;
  }

  private learn(address: Address, context: number, kind: number, writes: boolean): boolean {
    const before = this.states.get(address);
    if (before === SHARED) {
      this.note(address, context, kind);
      return true;
    }
    const after = this.stateAfter(before, address, context, writes);
    if (after === before) return false;
    this.states.set(address, after);
    if (after !== SHARED) return false;
    if (before !== UNTOUCHED) {
      this.grown = true;
      this.growths++;
    }
    this.shared.add(address & ~3);
    this.note(address, context, kind);
    return true;
  }

  private stateAfter(before: number, address: Address, context: number, writes: boolean): number {
    const own = ((context + 1) << 1) | (writes ? 1 : 0);
    if (before === UNTOUCHED) {
      return address >= this.alwaysFrom && address < this.alwaysTo ? SHARED : own;
    }
    if (before === READ_BY_SEVERAL) return writes ? SHARED : before;
    if (before >>> 1 === context + 1) return before | own;
    return writes || (before & 1) !== 0 ? SHARED : READ_BY_SEVERAL;
  }

  private note(address: Address, context: number, kind: number): void {
    while (this.kinds.length <= context) this.kinds.push(new WordTable(this.byteLength));
    const kinds = this.kinds[context] as WordTable;
    const before = kinds.get(address);
    const after = before | (1 << kind);
    if (after !== before) kinds.set(address, after);
  }

  /** Every pair of accesses met whose order can make a difference. */
  conflicts(): Conflict[] {
    return [...this.shared].flatMap((address) => this.conflictsAt(address));
  }

  private conflictsAt(address: Address): Conflict[] {
    const accesses = this.kinds.flatMap((kinds, context) =>
      kindsIn(kinds.get(address)).map((kind) => ({ context, kind })),
    );
    return accesses.flatMap((one, at) =>
      accesses
        .slice(at + 1)
        .filter((other) => other.context !== one.context)
        .filter((other) => isWrite(one.kind) || isWrite(other.kind))
        .map(
          (other): Conflict => ({
            address,
            contexts: [one.context, other.context],
            kinds: [one.kind, other.kind],
          }),
        ),
    );
  }
}

/** The numbers of the bits that are set. */
function kindsIn(bits: number): number[] {
  return Array.from({ length: 32 }, (_, kind) => kind).filter((kind) => (bits >>> kind) & 1);
}
