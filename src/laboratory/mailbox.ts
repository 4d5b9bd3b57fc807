// SPDX-License-Identifier: GPL-2.0-only
/** Where contexts leave objects for each other: a few words of the machine, each an object or 0. */
import type { Machine } from "../machine/machine.ts";
import type { Address, Memory } from "../machine/memory.ts";

export class Mailbox {
  private readonly memory: Memory;
  private readonly start: Address;
  private readonly slots: number;

  constructor(machine: Machine, slots: number, name: string) {
    this.memory = machine.memory;
    this.start = machine.statics.words(slots, name);
    this.slots = slots;
  }

  hand(object: Address): void {
    for (let slot = 0; slot < this.slots; slot++) {
      // Full barrier: a context that takes the object sees what was written into it.
      if (this.memory.cmpxchg(this.start + slot * 4, 0, object) === 0) return;
    }
    throw new RangeError(`at most ${this.slots} objects can be left here`);
  }

  holds(object: Address): boolean {
    for (let slot = 0; slot < this.slots; slot++) {
      if (this.memory.loadAcquire(this.start + slot * 4) === object) return true;
    }
    return false;
  }

  /** One object, or none. */
  take(): Address[] {
    for (let slot = 0; slot < this.slots; slot++) {
      const at = this.start + slot * 4;
      const object = this.memory.readOnce(at) === 0 ? 0 : this.memory.xchg(at, 0);
      if (object !== 0) return [object];
    }
    return [];
  }
}
