// SPDX-License-Identifier: GPL-2.0-only
/**
 * The words that the threads of a measurement share: a barrier, a count of the CPUs that have
 * measured enough, one lock for allocators that need one, and the rings for objects on their way to
 * another CPU. They lie at the end of the machine's room for checkers; every word is touched by
 * atomics, or handed over by one.
 */
import type { Machine } from "../../src/machine/machine.ts";
import type { Address, Memory } from "../../src/machine/memory.ts";
import { SpinLock, spinLock, spinUnlock } from "../../src/machine/spinlock.ts";
import { array, embed, sizeOf, struct, word } from "../../src/machine/struct.ts";
import { Rings, ringsBytes } from "./rings.ts";

const Control = struct("scale_control", {
  arrived: word,
  phase: word,
  finished: word,
  stop: word,
  /** On a cache line of its own. */
  pad: array(word, 12),
  lock: embed(SpinLock, "lock"),
});

const HEAD = Math.ceil(sizeOf(Control) / 64) * 64;

/** Bytes of the checker's room that a measurement of `cpus` needs. */
export function scaleControlBytes(cpus: number): number {
  return HEAD + ringsBytes(cpus);
}

export class ScaleControl {
  declare readonly memory: Memory;
  declare readonly cpus: number;
  declare readonly rings: Rings;
  declare private readonly at: Address;

  constructor(machine: Machine, cpus: number) {
    this.memory = machine.memory;
    this.cpus = cpus;
    const end = machine.layout.end + machine.options.checker;
    this.at = Math.floor((end - scaleControlBytes(cpus)) / 64) * 64;
    this.rings = new Rings(this.memory, this.at + HEAD, cpus);
  }

  // ---- the course of a point ----

  /** Waits until all are here. `phase` counts up from 1. Holds no CPU. */
  arrive(phase: number): void {
    const { memory, at } = this;
    if (memory.add(at + Control.arrived, 1) + 1 === this.cpus * phase) {
      memory.storeRelease(at + Control.phase, phase);
      memory.notify(at + Control.phase);
    } else {
      let seen = memory.loadAcquire(at + Control.phase);
      while (seen < phase) {
        memory.waitWhile(at + Control.phase, seen);
        seen = memory.loadAcquire(at + Control.phase);
      }
    }
  }

  /** One thread, while the others wait at a barrier. */
  reset(): void {
    this.memory.storeRelease(this.at + Control.finished, 0);
    this.memory.storeRelease(this.at + Control.stop, 0);
  }

  /** Has measured enough and goes on as a load for the others; the last one ends the point. */
  finished(): void {
    if (this.memory.add(this.at + Control.finished, 1) + 1 === this.cpus) {
      this.memory.storeRelease(this.at + Control.stop, 1);
    }
  }

  get stopped(): boolean {
    return this.memory.readOnce(this.at + Control.stop) !== 0;
  }

  // ---- the lock of allocators that are not made for threads ----

  lock(): void {
    spinLock(this.memory, this.at + Control.lock);
  }

  unlock(): void {
    spinUnlock(this.memory, this.at + Control.lock);
  }
}
