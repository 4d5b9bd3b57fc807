// SPDX-License-Identifier: MIT
/**
 * Functions by number. A constructor, an RCU callback or the function of an inter-processor call is
 * named in shared memory by its number; every thread registers the same functions in the same order.
 */
import type { Address } from "./memory.ts";

export type MachineFunction = (argument: Address) => void;

export class FunctionTable {
  private readonly functions: MachineFunction[] = [];

  /** Number of `fn`, from 1: 0 stays NULL. */
  register(fn: MachineFunction): number {
    return this.functions.push(fn);
  }

  /** How many there are: a thread that attaches must come to the same count. */
  get count(): number {
    return this.functions.length;
  }

  /** What a person calls it: the name it has in its source, or its number where it has none. */
  nameOf(number: number): string {
    return this.functions[number - 1]?.name || `function_${number}`;
  }

  call(number: number, argument: Address): void {
    const fn = this.functions[number - 1];
    if (fn === undefined) {
      throw new RangeError(`function ${number} is not registered on this thread`);
    }
    fn(argument);
  }
}
