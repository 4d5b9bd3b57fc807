// SPDX-License-Identifier: MIT
/**
 * Names for reports: those that the world gives to an address, or the address itself. The world may
 * look at the memory for that, even in the middle of an operation.
 */
import type { Address } from "../machine/memory.ts";
import type { Described, World } from "./world.ts";

const hex = (address: Address): string => `0x${(address >>> 0).toString(16)}`;

export class Describer {
  private readonly world: World;

  constructor(world: World) {
    this.world = world;
  }

  describe(address: Address): Described {
    const { world } = this;
    const described = world.memory.inspect(() => world.describe?.(address));
    return described ?? { name: hex(address), field: hex(address) };
  }

  /** The value of a word, for a reader. */
  draw({ draw }: Described, value: number): string {
    return this.world.memory.inspect(() => draw?.(value)) ?? String(value);
  }
}
