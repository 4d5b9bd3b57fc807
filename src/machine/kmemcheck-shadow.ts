// SPDX-License-Identifier: MIT
/**
 * kmemcheck's shadow: a byte for each byte of memory, behind the checker's room, which says what is known
 * of its contents. The kernel numbers the states from 0; here 0 is memory that is not tracked, as all of
 * it is at boot.
 */
import type { Machine } from "./machine.ts";
import type { Address } from "./memory.ts";
import { Shadow } from "./shadow.ts";

export const KMEMCHECK_UNTRACKED = 0;
export const KMEMCHECK_UNALLOCATED = 1;
export const KMEMCHECK_UNINITIALIZED = 2;
export const KMEMCHECK_INITIALIZED = 3;
export const KMEMCHECK_FREED = 4;

export class KmemcheckShadow extends Shadow {
  constructor(machine: Machine) {
    super(machine, 0);
  }

  /** mark_shadow */
  mark(address: Address, bytes: number, state: number): void {
    this.memory.fill(this.at(address), state, bytes);
  }

  /** The first of the bytes whose contents are not known to be meant; undefined: all are. */
  firstUnknown(address: Address, bytes: number): Address | undefined {
    const end = Math.min(address + bytes, this.end);
    for (let at = address; at < end; at++) {
      const state = this.of(at);
      if (state !== KMEMCHECK_UNTRACKED && state !== KMEMCHECK_INITIALIZED) return at;
    }
    return undefined;
  }

  /** What is tracked of a range has been written. */
  initialise(address: Address, bytes: number): void {
    const end = Math.min(address + bytes, this.end);
    for (let at = address; at < end; at++) {
      if (this.of(at) !== KMEMCHECK_UNTRACKED) this.mark(at, 1, KMEMCHECK_INITIALIZED);
    }
  }
}
