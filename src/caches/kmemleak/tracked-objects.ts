// SPDX-License-Identifier: GPL-2.0-only
/**
 * The objects that kmemleak knows: a word for every 8 bytes of memory, at the end of the room behind it,
 * which is 0 where no object begins.
 *
 *     31 … 13   12       11         10        9      8       7 … 0
 *     age       LOCKED   REPORTED   NO_SCAN   GRAY   BLACK   task + 1
 *
 * An object is entered before its caller has it, and goes before the allocator gets it back. LOCKED is
 * object->lock: who has it may read the object, whose free waits until then. The age is the number of
 * the scan, or of the time between two, in which the object was allocated.
 */
import { bitSpinLock, bitSpinUnlock } from "../../machine/bit-spinlock.ts";
import type { Machine } from "../../machine/machine.ts";
import type { Address, Memory } from "../../machine/memory.ts";

const TASK = 0xff;
export const OBJECT_BLACK = 0x100;
export const OBJECT_GRAY = 0x200;
export const OBJECT_NO_SCAN = 0x400;
export const OBJECT_REPORTED = 0x800;
const OBJECT_LOCKED = 0x1000;
const AGE_SHIFT = 13;

/** Bytes of room for a machine of `memory` bytes. */
export function trackedBytes(memory: number): number {
  return Math.ceil(memory / 8) * 4 + 4;
}

export class TrackedObjects {
  declare protected readonly memory: Memory;
  declare private readonly start: Address;
  declare private readonly words: Address;
  /** Counts when a scan begins, and when it ends. */
  declare private readonly scans: Address;

  constructor({ memory, layout, options, statics }: Machine) {
    const room = layout.end + options.checker + (options.shadow ?? 0);
    this.memory = memory;
    this.start = options.start ?? 0;
    this.words = Math.ceil((room - trackedBytes(options.memory)) / 4) * 4;
    this.scans = statics.words(1, "kmemleak scans");
  }

  protected wordOf(object: Address): Address {
    return this.words + (((object - this.start) >> 3) << 2);
  }

  private of(object: Address): number {
    return this.memory.readOnce(this.wordOf(object));
  }

  private get now(): number {
    return this.memory.readOnce(this.scans) << AGE_SHIFT;
  }

  /** kmemleak_alloc */
  allocated(object: Address): void {
    this.memory.writeOnce(this.wordOf(object), this.now | (this.memory.current() + 1));
  }

  /** kmemleak_free: waits for whoever reads the object. */
  freed(object: Address): void {
    this.whileHeld(object, () => this.memory.writeOnce(this.wordOf(object), OBJECT_LOCKED));
  }

  /** Does something while the object stays in use; undefined: it is not. */
  whileHeld<T>(object: Address, act: () => T): T | undefined {
    const { memory } = this;
    if (!this.has(object)) return undefined;
    const at = this.wordOf(object);
    const flags = memory.irqSave();
    bitSpinLock(memory, at, OBJECT_LOCKED, "object->lock");
    const result = this.has(object) ? act() : undefined;
    bitSpinUnlock(memory, at, OBJECT_LOCKED);
    memory.irqRestore(flags);
    return result;
  }

  /** A scan begins or ends. */
  scanChanges(): void {
    this.memory.add(this.scans, 1);
  }

  /** Whether an object in use begins there. */
  has(object: Address): boolean {
    return this.taskOf(object) >= 0;
  }

  is(object: Address, flag: number): boolean {
    return (this.of(object) & flag) !== 0;
  }

  /** The object is held. */
  mark(object: Address, flag: number): void {
    this.memory.writeOnce(this.wordOf(object), this.of(object) | flag);
  }

  /** Tells apart the objects that have begun there one after the other, as far as scans see them. */
  ageOf(object: Address): number {
    return this.of(object) >>> AGE_SHIFT;
  }

  /** Allocated since the last scan has begun or ended. */
  isNew(object: Address): boolean {
    return this.ageOf(object) === this.now >>> AGE_SHIFT;
  }

  /** Number of the task that allocated it; -1: there is none. */
  taskOf(object: Address): number {
    return (this.of(object) & TASK) - 1;
  }

  /** Those that begin from `from` on, up to `to`, in ascending order. */
  *within(from: Address, to: Address): Generator<Address> {
    const end = this.wordOf(to);
    for (let at = this.wordOf(from); at < end; at += 4) {
      // Most of the memory was never handed out.
      const entered = this.memory.findOther(at, 0, end - at);
      if (entered === 0) return;
      at = entered & ~3;
      yield this.start + (((at - this.words) >> 2) << 3);
    }
  }
}
