// SPDX-License-Identifier: GPL-2.0-only
/**
 * Constructors of a program. One runs in the middle of an operation, where it may do nothing but write
 * its object: no call gets through meanwhile, and an error waits for the end of the call.
 */
import type { DirectMemory } from "../machine/direct-memory.ts";
import type { FunctionTable } from "../machine/functions.ts";
import { KernelBug } from "../machine/kernel-bug.ts";
import type { Address } from "../machine/memory.ts";
import type { Afterwards } from "./afterwards.ts";
import { checkFunction } from "./arguments.ts";

export class Constructors {
  declare private readonly functions: FunctionTable;
  declare private readonly direct: DirectMemory;
  declare private readonly afterwards: Afterwards;
  /** Numbers of those that this program has registered. */
  private readonly numbers = new Set<number>();
  /** One is running. */
  isRunning = false;

  constructor(functions: FunctionTable, direct: DirectMemory, afterwards: Afterwards) {
    this.functions = functions;
    this.direct = direct;
    this.afterwards = afterwards;
    functions.onMissing = (number) => {
      afterwards.fail(
        new KernelBug("bad-access", `constructor ${number} is not registered on this thread`),
      );
    };
  }

  has(number: number): boolean {
    return this.numbers.has(number);
  }

  register(construct: (object: Address) => void): number {
    checkFunction("registerConstructor", "a constructor", construct);
    const guarded = (object: Address): boolean => this.run(construct, object);
    Object.defineProperty(guarded, "name", { value: construct.name });
    const number = this.functions.register(guarded);
    this.numbers.add(number);
    return number;
  }

  private run(construct: (object: Address) => void, object: Address): boolean {
    this.isRunning = true;
    // Until the next call: that one forgets the error.
    this.direct.shut(true);
    try {
      construct(object);
      return true;
    } catch (error) {
      this.afterwards.fail(error);
      return false;
    } finally {
      this.isRunning = false;
    }
  }
}
