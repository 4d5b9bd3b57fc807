// SPDX-License-Identifier: MIT
/**
 * Notices each event that may change which contexts can run, so that the engine lists them again only
 * then: interrupts or preemption go on or off, a word changes that the machine keeps for a CPU, or,
 * while a context waits for a word, any word changes.
 */
import type { MachineLayout } from "../machine/machine.ts";
import type { Address } from "../machine/memory.ts";
import type { Context } from "./context.ts";

export class RunnableWatch {
  private readonly cpuWords: Address;
  private readonly cpuWordsEnd: Address;
  private hasWaiters = false;
  private stale = true;

  constructor({ cpuBase, taskBase }: MachineLayout) {
    this.cpuWords = cpuBase;
    this.cpuWordsEnd = taskBase;
  }

  /** Whether the list may be wrong by now. */
  get isStale(): boolean {
    return this.stale;
  }

  /** The contexts that can run have just been listed. */
  listed(): void {
    this.stale = false;
  }

  changed(): void {
    this.stale = true;
  }

  /** The word at `address` has been written. */
  stored(address: Address): void {
    if (this.hasWaiters || (address >= this.cpuWords && address < this.cpuWordsEnd)) {
      this.stale = true;
    }
  }

  /** A context has begun or ceased to wait. */
  lookForWaiters(contexts: readonly Context[]): void {
    this.hasWaiters = contexts.some(({ waitAddress }) => waitAddress !== 0);
  }
}
