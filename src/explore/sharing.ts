// SPDX-License-Identifier: MIT
/**
 * Which words more than one context touches. A word of one context alone is no scheduling point:
 * the other contexts cannot depend on the moment of its access.
 *
 * The set is learnt: a word belongs to the first context seen on it, in whichever schedule, until a
 * second one is seen. When that happens in the middle of a search (`grown`), schedules were missed,
 * and no bound may be called complete until a whole search has passed without it.
 */
import type { Address } from "../machine/memory.ts";
import { WordTable } from "./word-table.ts";

const SHARED = -1;

export class Sharing {
  private readonly owners: WordTable;
  private readonly alwaysFrom: Address;
  private readonly alwaysTo: Address;
  /** A second context was seen on a word since this was last set to false. */
  grown = false;

  /** Words from `alwaysFrom` up to `alwaysTo` are shared from the start. */
  constructor(byteLength: number, alwaysFrom: Address, alwaysTo: Address) {
    this.owners = new WordTable(byteLength);
    this.alwaysFrom = alwaysFrom;
    this.alwaysTo = alwaysTo;
  }

  /** `context` touches the word. Returns whether others do, too. */
  touch(address: Address, context: number): boolean {
    const owner = this.owners.get(address);
    if (owner === SHARED) return true;
    if (owner === context + 1) return false;
    if (owner === 0) {
      const always = address >= this.alwaysFrom && address < this.alwaysTo;
      this.owners.set(address, always ? SHARED : context + 1);
      return always;
    }
    this.owners.set(address, SHARED);
    this.grown = true;
    return true;
  }

  /** Like touch, for all words of a range. */
  touchRange(address: Address, bytes: number, context: number): boolean {
    let shared = false;
    for (let at = address & ~3; at < address + bytes; at += 4) {
      if (this.touch(at, context)) shared = true;
    }
    return shared;
  }
}
