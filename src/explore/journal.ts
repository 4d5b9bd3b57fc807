// SPDX-License-Identifier: MIT
/**
 * The writes of one schedule, so that the next starts from the same memory: each is kept with the
 * word it replaced, and undoing them in reverse order restores every byte. The cost grows with the
 * writes, not with the size of the memory.
 *
 * The journal also maintains a hash of the memory: the exclusive or, over the changed words, of a mix
 * of address and value. It does not depend on the order of the writes. Statistics have their own.
 */
import type { Address, Memory } from "../machine/memory.ts";

/** Two independent 32-bit mixes of a pair (finalizers of MurmurHash3, with other constants). */
export function mixLow(a: number, b: number): number {
  let h = Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

export function mixHigh(a: number, b: number): number {
  let h = Math.imul(a ^ 0x5bd1e995, 0x27d4eb2f) + Math.imul(b ^ 0x165667b1, 0x9e3779b1);
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
  h = Math.imul(h ^ (h >>> 12), 0x297a2d39);
  return h ^ (h >>> 15);
}

export class Journal {
  /** Address and old value of each changed word, in order; used up to `end`. */
  private readonly entries: number[] = [];
  private end = 0;
  private readonly backing: Memory;
  /** Hash of the words that differ from the start, in two halves. */
  low = 0;
  high = 0;
  /** Hash of the statistics that differ from the start. */
  statistics = 0;

  constructor(backing: Memory) {
    this.backing = backing;
  }

  /** Writes the word at `address`, a multiple of 4. False: it had the value already. */
  change(address: Address, value: number): boolean {
    const old = this.backing.read32(address);
    if (old === value) return false;
    this.remember(address, old);
    this.backing.write32(address, value);
    this.low ^= mixLow(address, old) ^ mixLow(address, value);
    this.high ^= mixHigh(address, old) ^ mixHigh(address, value);
    return true;
  }

  /** Writes a statistic, a word that does not belong to the state. */
  changeStatistic(address: Address, value: number): void {
    const old = this.backing.read32(address);
    this.remember(address, old);
    this.backing.write32(address, value);
    this.statistics ^= mixLow(address, old) ^ mixLow(address, value | 0);
  }

  private remember(address: Address, old: number): void {
    this.entries[this.end++] = address;
    this.entries[this.end++] = old;
  }

  /** Undoes every write. */
  undo(): void {
    const { entries, backing } = this;
    for (let at = this.end - 2; at >= 0; at -= 2) {
      backing.write32(entries[at] as number, entries[at + 1] as number);
    }
    this.commit();
  }

  /** Declares the present memory the one to which undo returns. */
  commit(): void {
    this.end = 0;
    this.low = 0;
    this.high = 0;
    this.statistics = 0;
  }
}
