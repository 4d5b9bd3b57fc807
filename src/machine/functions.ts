// SPDX-License-Identifier: MIT
/**
 * Functions by number. A constructor, an RCU callback or the function of an inter-processor call is
 * named in shared memory by its number; every thread registers the same functions in the same order.
 */
import type { Address } from "./memory.ts";

/** Only a constructor returns anything: false where it has failed. */
export type MachineFunction = (argument: Address) => unknown;

const NOT_HERE = "is not registered on this thread";

export class FunctionTable {
  /** Told of a constructor that another thread has registered and this one has not. */
  onMissing: (number: number) => void = (number) => {
    throw new RangeError(`function ${number} ${NOT_HERE}`);
  };
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
    if (fn === undefined) throw new RangeError(`function ${number} ${NOT_HERE}`);
    fn(argument);
  }

  /** Calls a constructor. False: the object is not constructed, and its slab must not be used. */
  construct(number: number, object: Address): boolean {
    const fn = this.functions[number - 1];
    if (fn !== undefined) return fn(object) !== false;
    this.onMissing(number);
    return false;
  }
}
