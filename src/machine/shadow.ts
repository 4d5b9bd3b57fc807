// SPDX-License-Identifier: MIT
/** A byte for each 1 << `shift` bytes of memory, behind the checker's room. */
import type { Machine } from "./machine.ts";
import type { Address, Memory } from "./memory.ts";

export class Shadow {
  declare protected readonly memory: Memory;
  declare private readonly start: Address;
  declare protected readonly end: Address;
  declare private readonly shadow: Address;
  declare private readonly shift: number;

  constructor({ memory, layout, options }: Machine, shift: number) {
    this.memory = memory;
    this.start = options.start ?? 0;
    this.end = layout.end;
    this.shadow = layout.end + options.checker;
    this.shift = shift;
  }

  /** The address of the shadow byte. */
  protected at(address: Address): Address {
    return this.shadow + ((address - this.start) >> this.shift);
  }

  /** Whether there is a shadow of the address. */
  has(address: Address): boolean {
    return address >= this.start && address < this.end;
  }

  of(address: Address): number {
    return this.memory.read8(this.at(address));
  }
}
