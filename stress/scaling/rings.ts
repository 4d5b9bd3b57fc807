// SPDX-License-Identifier: GPL-2.0-only
/**
 * Rings for handles on their way: one from each CPU to each, with one sender and one receiver, after
 * L. Lamport's queue of 1977. Every word is written by one of the two and lies on a cache line with
 * words of the same writer only:
 *
 *     tail | head | senderSleeps, receiverSleeps | handle 0 | handle 1 | ...
 *
 * tail counts the objects sent, head those received, modulo 2^31; the top bit of each says that its
 * writer has left the point, and no one is to wait for it. Each side keeps its own count and the
 * other's as it was last seen, and looks again only when there seems to be no room or no mail: where
 * the ring is neither full nor empty, a batch costs the transfer of its own lines and one of tail.
 *
 * A side that waits spins longer than the other's break for its yardstick takes, then says that it
 * sleeps. Only then does the other one pay for a notify.
 */
import type { Address, Memory } from "../../src/machine/memory.ts";
import { pause } from "../../src/machine/platform.ts";
import { array, sizeOf, struct, word } from "../../src/machine/struct.ts";

const LINE_WORDS = 16;
const rest = (words: number) => array(word, LINE_WORDS - words);

const Ring = struct("scale_ring", {
  tail: word,
  senderLine: rest(1),
  head: word,
  receiverLine: rest(1),
  /** 1 while that side sleeps. */
  senderSleeps: word,
  receiverSleeps: word,
  sleepLine: rest(2),
});

/** A ring holds what a CPU sends while its receiver is at its yardstick, if the memory allows it. */
const MOST_OBJECTS = 1 << 14;
/** Words that all rings may have together. */
const MOST_WORDS = 1 << 24;
const LEFT = 1 << 31;
const COUNT = ~LEFT;
/** Pauses before a side sleeps: some 100 us. */
const SPINS = 2000;

/** Objects that a ring has room for: a power of two. */
export function ringObjects(cpus: number): number {
  let objects = MOST_OBJECTS;
  while (objects * cpus * cpus > MOST_WORDS) objects >>= 1;
  return objects;
}

export function ringsBytes(cpus: number): number {
  return cpus * cpus * strideOf(cpus);
}

function strideOf(cpus: number): number {
  return sizeOf(Ring) + 4 * ringObjects(cpus);
}

export class Rings {
  declare readonly cpus: number;
  declare readonly objects: number;
  declare private readonly memory: Memory;
  declare private readonly at: Address;
  declare private readonly stride: number;
  declare private readonly mask: number;

  /** `at`: the first byte of a cache line. */
  constructor(memory: Memory, at: Address, cpus: number) {
    this.memory = memory;
    this.at = at;
    this.cpus = cpus;
    this.stride = strideOf(cpus);
    this.objects = ringObjects(cpus);
    this.mask = this.objects - 1;
  }

  ring(from: number, to: number): Address {
    return this.at + (from * this.cpus + to) * this.stride;
  }

  /** Objects that the sender has handed over; only differences mean anything. */
  sent(ring: Address): number {
    return this.memory.loadAcquire(ring + Ring.tail) & COUNT;
  }

  received(ring: Address): number {
    return this.memory.loadAcquire(ring + Ring.head) & COUNT;
  }

  put(ring: Address, n: number, object: number): void {
    this.memory.write32(ring + sizeOfRing + ((n & this.mask) << 2), object);
  }

  get(ring: Address, n: number): number {
    return this.memory.read32(ring + sizeOfRing + ((n & this.mask) << 2));
  }

  /** The sender has put objects up to `count` in all. */
  publishSent(ring: Address, count: number): void {
    this.memory.storeRelease(ring + Ring.tail, count & COUNT);
    // Sequentially consistent, as is the sleeper's store before its last look at the count.
    if (this.memory.loadAcquire(ring + Ring.receiverSleeps) !== 0) {
      this.memory.notify(ring + Ring.tail);
    }
  }

  /** The receiver has read objects up to `count` in all: their places are the sender's again. */
  publishReceived(ring: Address, count: number): void {
    this.memory.storeRelease(ring + Ring.head, count & COUNT);
    if (this.memory.loadAcquire(ring + Ring.senderSleeps) !== 0) {
      this.memory.notify(ring + Ring.head);
    }
  }

  /** Returns when the sender has sent other than `count` objects, or has left. */
  waitForSender(ring: Address, count: number): void {
    this.wait(ring + Ring.tail, count & COUNT, ring + Ring.receiverSleeps);
  }

  waitForReceiver(ring: Address, count: number): void {
    this.wait(ring + Ring.head, count & COUNT, ring + Ring.senderSleeps);
  }

  private wait(at: Address, count: number, sleeps: Address): void {
    const { memory } = this;
    for (let i = 0; i < SPINS; i++) {
      if (memory.loadAcquire(at) !== count) return;
      pause();
    }
    memory.storeRelease(sleeps, 1);
    memory.waitWhile(at, count);
    memory.storeRelease(sleeps, 0);
  }

  /** No one waits for this CPU any more. What it has sent can still be received. */
  leave(cpu: number): void {
    for (let other = 0; other < this.cpus; other++) {
      this.mark(this.ring(cpu, other) + Ring.tail);
      this.mark(this.ring(other, cpu) + Ring.head);
    }
  }

  private mark(at: Address): void {
    this.memory.storeRelease(at, this.memory.loadAcquire(at) | LEFT);
    this.memory.notify(at);
  }

  /** The ring is as new. Its receiver says so, when the sender waits at a barrier. */
  reset(ring: Address): void {
    this.memory.storeRelease(ring + Ring.tail, 0);
    this.memory.storeRelease(ring + Ring.head, 0);
  }
}

const sizeOfRing = sizeOf(Ring);
