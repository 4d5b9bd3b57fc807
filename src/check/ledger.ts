// SPDX-License-Identifier: GPL-2.0-only
/**
 * The holder of each object: one word for every 8 bytes of memory, kept in the checker's room
 * behind it, beside the allocator and never used by it.
 *
 *      31     30 .......... 16   15 ... 8   7 ....... 0
 *     +------+------------------+----------+-----------+
 *     |given |  event, mod 2^15 |   CPU    |  task + 1 |      0: never handed out
 *     +------+------------------+----------+-----------+
 *
 * A positive word names the holder, a negative one the task that gave the object back. Taking and
 * giving are one compare-and-swap each, so of two tasks that are handed one object exactly one
 * succeeds, and the report names both. An object is taken after the allocator has handed it out and
 * given before the allocator gets it back, so what two contexts do between never looks like a
 * clash.
 *
 * The events of a task are counted in a line of its own, so that a report says which of its takes
 * and gives clashed. No locks; re-executable like the allocator itself.
 */
import type { SlabCommon } from "../caches/slab-common.ts";
import { MAX_TASKS } from "../machine/cpus.ts";
import { KernelBug } from "../machine/kernel-bug.ts";
import type { Machine } from "../machine/machine.ts";
import type { Address, Memory } from "../machine/memory.ts";
import { Page } from "../pages/page.ts";

/** Distance between the event counters of two tasks, so that they share no cache line. */
const COUNTER_STRIDE = 64;
const COUNTER_BYTES = MAX_TASKS * COUNTER_STRIDE;

const GIVEN = 1 << 31;
const EVENT_SHIFT = 16;
const EVENT_MASK = 0x7fff;
const CPU_SHIFT = 8;
const BYTE = 0xff;

/** Bytes that `checker` must have for a machine with `memory` bytes. */
export function ledgerBytes(memory: number): number {
  return COUNTER_BYTES + Math.ceil(memory / 8) * 4;
}

/** A task's line in the ledger: the count of its events, and TASK_ROOM bytes for under-way.ts. */
export function lineOfTask({ layout }: Machine, task: number): Address {
  return Math.ceil(layout.end / COUNTER_STRIDE) * COUNTER_STRIDE + task * COUNTER_STRIDE;
}

export const TASK_ROOM = COUNTER_STRIDE - 4;

export class Ledger {
  declare private readonly common: SlabCommon;
  declare private readonly memory: Memory;
  declare private readonly counters: Address;
  declare private readonly words: Address;

  /** @throws RangeError where the machine was made without room for a ledger. */
  constructor(common: SlabCommon) {
    const { layout, options } = common.machine;
    if (options.checker < ledgerBytes(options.memory)) {
      throw new RangeError(
        `a ledger of ${options.memory} bytes needs checker: ${ledgerBytes(options.memory)}, not ${options.checker}`,
      );
    }
    this.common = common;
    this.memory = common.machine.memory;
    this.counters = lineOfTask(common.machine, 0);
    this.words = layout.end + COUNTER_BYTES;
  }

  private wordOf(object: Address): Address {
    return this.words + ((object >> 3) << 2);
  }

  /** The running context as it enters the ledger. */
  private signature(): number {
    const { memory } = this;
    const task = memory.current();
    const line = this.counters + task * COUNTER_STRIDE;
    // Only the task itself and interrupts on top of it count here, so one plain step is enough.
    const event = memory.readOnce(line) & EVENT_MASK;
    memory.count(line, 1);
    return (event << EVENT_SHIFT) | (memory.smpProcessorId() << CPU_SHIFT) | (task + 1);
  }

  /** The allocator has handed `object` out. @throws KernelBug double-allocation */
  take(object: Address): void {
    const { memory } = this;
    const at = this.wordOf(object);
    const mine = this.signature();
    const found = memory.readOnce(at);
    if (found > 0) this.handedOutTwice(object, found, mine);
    // Full barrier: of two tasks that are handed one object, the later one finds the word of the other.
    const before = memory.cmpxchg(at, found, mine);
    if (before !== found) this.handedOutTwice(object, before, mine);
  }

  /** `object` is about to go back to the allocator. @throws KernelBug double-free */
  give(object: Address): void {
    const { memory } = this;
    const at = this.wordOf(object);
    const mine = this.signature() | GIVEN;
    const found = memory.readOnce(at);
    if (found <= 0) this.freedTwice(object, found, mine);
    const before = memory.cmpxchg(at, found, mine);
    if (before !== found) this.freedTwice(object, before, mine);
  }

  private handedOutTwice(object: Address, found: number, mine: number): never {
    throw new KernelBug(
      "double-allocation",
      `${this.describe(object)} is handed to ${who(mine)}, but ${holds(found)}`,
    );
  }

  private freedTwice(object: Address, found: number, mine: number): never {
    throw new KernelBug(
      "double-free",
      `${this.describe(object)} is freed by ${who(mine)}, but ${holds(found)}`,
    );
  }

  private describe(object: Address): string {
    const { common, memory } = this;
    const s = memory.readOnce(common.pages.virtToHeadPage(object) + Page.slabCache);
    const known = s === common.kmemCache || common.caches().includes(s);
    return `Object 0x${object.toString(16)} of ${known ? common.nameOf(s) : "no cache"}`;
  }

  /** Whether somebody holds the object that begins at `address`. */
  isLive(address: Address): boolean {
    return this.memory.readOnce(this.wordOf(address)) > 0;
  }

  /** The last event of `object`: another word as soon as it is taken or given again. */
  eventOf(object: Address): number {
    return this.memory.readOnce(this.wordOf(object));
  }

  /** Number of the task that holds the object, or -1. */
  holderOf(object: Address): number {
    const word = this.memory.readOnce(this.wordOf(object));
    return word > 0 ? (word & BYTE) - 1 : -1;
  }

  /** How many takes and gives a task has entered so far. */
  eventsOf(task: number): number {
    return this.memory.readOnce(this.counters + task * COUNTER_STRIDE);
  }

  /** Whether a task gave the object back last, as one of its events from number `since` on. */
  wasGivenSince(object: Address, task: number, since: number): boolean {
    const word = this.memory.readOnce(this.wordOf(object));
    if (word >= 0 || (word & BYTE) - 1 !== task) return false;
    const age = ((word >>> EVENT_SHIFT) - since) & EVENT_MASK;
    return age < this.eventsOf(task) - since;
  }

  /** All that a task gave back last in [from, to), as one of its events from number `since` on. */
  *givenSince(from: Address, to: Address, task: number, since: number): Generator<Address> {
    for (let object = from; object < to; object += 8) {
      if (this.wasGivenSince(object, task, since)) yield object;
    }
  }

  /** The last event of `object`, for a report. */
  story(object: Address): string {
    return holds(this.memory.readOnce(this.wordOf(object)));
  }

  /** All that are held in [from, to), in ascending order. */
  *liveIn(from: Address, to: Address): Generator<Address> {
    const end = this.wordOf(to);
    for (let at = this.wordOf(from); at < end; at += 4) {
      // Most of the memory was never handed out.
      const entered = this.memory.findOther(at, 0, end - at);
      if (entered === 0) return;
      at = entered & ~3;
      const object = ((at - this.words) >> 2) << 3;
      if (this.isLive(object)) yield object;
    }
  }

  // ---- payload ----

  /**
   * Fills `bytes` of an object that the caller holds and will not write, so that a write by
   * another task shows. The byte depends on the object, its holder and the event that took it.
   */
  paint(object: Address, bytes: number): void {
    this.common.machine.checker?.check(object, bytes, true);
    this.memory.fill(object, this.colour(object), bytes);
  }

  /** The object is as `paint` left it. @throws KernelBug use-after-free naming the byte */
  verify(object: Address, bytes: number): void {
    this.common.machine.checker?.check(object, bytes, false);
    const other = this.memory.findOther(object, this.colour(object), bytes);
    if (other === 0) return;
    throw new KernelBug(
      "use-after-free",
      `${this.describe(object)} was written at offset ${other - object} while ${this.story(object)}`,
    );
  }

  private colour(object: Address): number {
    const word = this.memory.readOnce(this.wordOf(object));
    return (Math.imul(word ^ object, 0x9e3779b1) >>> 24) | 1;
  }
}

function who(word: number): string {
  const task = (word & BYTE) - 1;
  const cpu = (word >>> CPU_SHIFT) & BYTE;
  return `task ${task} on CPU ${cpu} (its event ${(word >>> EVENT_SHIFT) & EVENT_MASK})`;
}

function holds(word: number): string {
  if (word === 0) return "nobody ever had it";
  return word > 0 ? `${who(word)} holds it` : `${who(word)} has given it back`;
}
