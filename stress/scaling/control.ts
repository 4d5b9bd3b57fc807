// SPDX-License-Identifier: GPL-2.0-only
/**
 * The words that the threads of a measurement share: a barrier, a count of the CPUs that have
 * measured enough, one lock for allocators that need one, and mailboxes for objects on their way to
 * another CPU. They lie at the end of the machine's room for checkers; every word is touched by
 * atomics, or handed over by one.
 *
 *     mailbox [from][to][2]:   flag | count | 64 handles
 *
 * A mailbox has one sender and one receiver. EMPTY belongs to the sender, FULL to the receiver; a
 * thread that must wait sleeps on the flag. At the end of a point each thread closes the mailboxes
 * that others may wait for.
 */
import type { Machine } from "../../src/machine/machine.ts";
import type { Address, Memory } from "../../src/machine/memory.ts";
import { SpinLock, spinLock, spinUnlock } from "../../src/machine/spinlock.ts";
import { array, embed, sizeOf, struct, word } from "../../src/machine/struct.ts";

/** Objects in a batch. */
export const BATCH = 64;
/** Mailboxes from one CPU to another: one is filled while the other is emptied. */
export const SLOTS = 2;
const EMPTY = 0;
const FULL = 1;
const CLOSED = 2;

const Control = struct("scale_control", {
  arrived: word,
  phase: word,
  finished: word,
  stop: word,
  /** On a cache line of its own. */
  pad: array(word, 12),
  lock: embed(SpinLock, "lock"),
});

const Mailbox = struct("scale_mailbox", {
  flag: word,
  count: word,
  objects: array(word, BATCH),
});

const HEAD = Math.ceil(sizeOf(Control) / 64) * 64;
/** No two mailboxes share a cache line. */
const STRIDE = Math.ceil(sizeOf(Mailbox) / 64) * 64;

/** Bytes of the checker's room that a measurement of `cpus` needs. */
export function scaleControlBytes(cpus: number): number {
  return HEAD + cpus * cpus * SLOTS * STRIDE;
}

export class ScaleControl {
  declare readonly memory: Memory;
  declare readonly cpus: number;
  declare private readonly at: Address;
  declare private readonly boxes: Address;

  constructor(machine: Machine, cpus: number) {
    this.memory = machine.memory;
    this.cpus = cpus;
    const end = machine.layout.end + machine.options.checker;
    this.at = Math.floor((end - scaleControlBytes(cpus)) / 64) * 64;
    this.boxes = this.at + HEAD;
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
    for (let box = 0; box < this.cpus * this.cpus * SLOTS; box++) {
      this.memory.storeRelease(this.boxes + box * STRIDE + Mailbox.flag, EMPTY);
    }
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

  /** Wakes all threads that wait for this CPU's mail, or for room in its mailbox. */
  close(cpu: number): void {
    for (let other = 0; other < this.cpus; other++) {
      for (let slot = 0; slot < SLOTS; slot++) {
        this.closeBox(this.box(cpu, other, slot), EMPTY);
        this.closeBox(this.box(other, cpu, slot), FULL);
      }
    }
  }

  /** A full box keeps what is in it: its count says so. */
  private closeBox(box: Address, state: number): void {
    this.memory.cmpxchg(box + Mailbox.flag, state, CLOSED);
    this.memory.notify(box + Mailbox.flag);
  }

  // ---- the lock of allocators that are not made for threads ----

  lock(): void {
    spinLock(this.memory, this.at + Control.lock);
  }

  unlock(): void {
    spinUnlock(this.memory, this.at + Control.lock);
  }

  // ---- mail ----

  box(from: number, to: number, slot: number): Address {
    return this.boxes + ((from * this.cpus + to) * SLOTS + slot) * STRIDE;
  }

  isEmpty(box: Address): boolean {
    return this.memory.loadAcquire(box + Mailbox.flag) === EMPTY;
  }

  isFull(box: Address): boolean {
    return this.memory.loadAcquire(box + Mailbox.flag) === FULL;
  }

  waitForRoom(box: Address): void {
    this.memory.waitWhile(box + Mailbox.flag, FULL);
  }

  waitForMail(box: Address): void {
    this.memory.waitWhile(box + Mailbox.flag, EMPTY);
  }

  /** The sender of an empty box writes; `post` hands it over. */
  put(box: Address, index: number, object: number): void {
    this.memory.write32(box + Mailbox.objects + (index << 2), object);
  }

  get(box: Address, index: number): number {
    return this.memory.read32(box + Mailbox.objects + (index << 2));
  }

  count(box: Address): number {
    return this.memory.read32(box + Mailbox.count);
  }

  /** False if the point has ended meanwhile: the objects are still the sender's. */
  post(box: Address, count: number): boolean {
    this.memory.write32(box + Mailbox.count, count);
    if (this.memory.cmpxchg(box + Mailbox.flag, EMPTY, FULL) !== EMPTY) {
      this.memory.write32(box + Mailbox.count, 0);
      return false;
    }
    this.memory.notify(box + Mailbox.flag);
    return true;
  }

  /** The receiver has read everything. A box that was closed meanwhile stays closed. */
  release(box: Address): void {
    this.memory.write32(box + Mailbox.count, 0);
    this.memory.cmpxchg(box + Mailbox.flag, FULL, EMPTY);
    this.memory.notify(box + Mailbox.flag);
  }
}
