// SPDX-License-Identifier: GPL-2.0-only
/**
 * Where KFENCE's objects in use were allocated: a counting Bloom filter over hashes of stacks. When the
 * pool is nearly full, a place that has an object in it does not get another one.
 */
import type { Machine } from "../../machine/machine.ts";
import type { Address, Memory } from "../../machine/memory.ts";

/** UNIQUE_ALLOC_STACK_DEPTH, ALLOC_COVERED_HNUM, GOLDEN_RATIO_32 */
const STACK_DEPTH = 8;
const HASHES = 2;
const GOLDEN_RATIO_32 = 0x61c88647;

export class AllocCovered {
  declare private readonly memory: Memory;
  declare private readonly order: number;
  declare private readonly counts: Address;

  constructor(machine: Machine, objects: number) {
    this.memory = machine.memory;
    this.order = 31 - Math.clz32(objects) + 2;
    this.counts = machine.statics.words(1 << this.order, "alloc_covered");
  }

  /** get_alloc_stack_hash */
  static hashOf(stack: readonly string[]): number {
    let hash = 0;
    for (const frame of stack.slice(0, STACK_DEPTH)) {
      for (let i = 0; i < frame.length; i++) {
        hash = Math.imul(hash ^ frame.charCodeAt(i), 0x01000193);
      }
    }
    return hash;
  }

  private places(hash: number): Address[] {
    const places: Address[] = [];
    for (let i = 0, at = hash; i < HASHES; i++) {
      places.push(this.counts + (at & ((1 << this.order) - 1)) * 4);
      at = Math.imul(at, GOLDEN_RATIO_32) >>> (32 - this.order);
    }
    return places;
  }

  /** alloc_covered_add */
  add(hash: number, n: 1 | -1): void {
    for (const at of this.places(hash)) this.memory.add(at, n);
  }

  /** alloc_covered_contains */
  contains(hash: number): boolean {
    return this.places(hash).every((at) => this.memory.readOnce(at) !== 0);
  }
}
