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
  private waiters: readonly Context[] = [];
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
    if (this.waiters.length > 0 || (address >= this.cpuWords && address < this.cpuWordsEnd)) {
      this.stale = true;
    }
  }

  /** A context has begun or ceased to wait. */
  lookForWaiters(contexts: readonly Context[]): void {
    this.waiters = contexts.filter(({ waitAddress }) => waitAddress !== 0);
  }

  /** Those that wait for the word at `address` may go on once it differs. */
  notify(address: Address): void {
    for (const context of this.waiters) {
      if (context.waitAddress === address) context.isNotified = true;
    }
    this.stale = true;
  }
}
