// SPDX-License-Identifier: GPL-2.0-only
/** Where contexts hand objects to each other: a few words of the machine, each an object or 0. */
import type { Machine } from "../machine/machine.ts";
import type { Address, Memory } from "../machine/memory.ts";

const SLOTS = 4;

export class Mailbox {
  private readonly memory: Memory;
  private readonly start: Address;

  constructor(machine: Machine) {
    this.memory = machine.memory;
    this.start = machine.statics.words(SLOTS, "handed over");
  }

  hand(object: Address): void {
    for (let slot = 0; slot < SLOTS; slot++) {
      // Full barrier: a context that takes the object sees what was written into it.
      if (this.memory.cmpxchg(this.start + slot * 4, 0, object) === 0) return;
    }
    throw new RangeError(`at most ${SLOTS} objects can be handed over at a time`);
  }

  /** One object, or none. */
  take(): Address[] {
    for (let slot = 0; slot < SLOTS; slot++) {
      const at = this.start + slot * 4;
      const object = this.memory.readOnce(at) === 0 ? 0 : this.memory.xchg(at, 0);
      if (object !== 0) return [object];
    }
    return [];
  }
}
