// SPDX-License-Identifier: GPL-2.0-only
/**
 * The objects that kmemleak knows: a word for every 8 bytes of memory, at the end of the room behind it,
 * which is 0 where no object begins.
 *
 *     31 … 12     11         10        9      8          7 … 0
 *     unused      REPORTED   NO_SCAN   GRAY   BLACK      task + 1
 *
 * An object is entered before its caller has it, and goes before the allocator gets it back, so only its
 * holder and the scan change its word.
 */
import type { Machine } from "../../machine/machine.ts";
import type { Address, Memory } from "../../machine/memory.ts";

const TASK = 0xff;
export const OBJECT_BLACK = 0x100;
export const OBJECT_GRAY = 0x200;
export const OBJECT_NO_SCAN = 0x400;
export const OBJECT_REPORTED = 0x800;

/** Bytes of room for a machine of `memory` bytes. */
export function trackedBytes(memory: number): number {
  return Math.ceil(memory / 8) * 4 + 4;
}

export class TrackedObjects {
  declare private readonly memory: Memory;
  declare private readonly start: Address;
  declare private readonly words: Address;

  constructor({ memory, layout, options }: Machine) {
    const room = layout.end + options.checker + (options.shadow ?? 0);
    this.memory = memory;
    this.start = options.start ?? 0;
    this.words = Math.ceil((room - trackedBytes(options.memory)) / 4) * 4;
  }

  private wordOf(object: Address): Address {
    return this.words + (((object - this.start) >> 3) << 2);
  }

  private of(object: Address): number {
    return this.memory.readOnce(this.wordOf(object));
  }

  /** kmemleak_alloc */
  allocated(object: Address): void {
    this.memory.writeOnce(this.wordOf(object), this.memory.current() + 1);
  }

  /** kmemleak_free */
  freed(object: Address): void {
    this.memory.writeOnce(this.wordOf(object), 0);
  }

  /** Whether an object in use begins there. */
  has(object: Address): boolean {
    return this.of(object) !== 0;
  }

  is(object: Address, flag: number): boolean {
    return (this.of(object) & flag) !== 0;
  }

  mark(object: Address, flag: number): void {
    this.memory.writeOnce(this.wordOf(object), this.of(object) | flag);
  }

  /** Number of the task that allocated it. */
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
