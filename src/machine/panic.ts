// SPDX-License-Identifier: MIT
/**
 * The panic word: once it is set, every wait on the machine ends with an error, on every thread, since
 * a lock may have been left behind that no task will ever drop.
 */
import { KernelBug } from "./kernel-bug.ts";
import type { Address } from "./memory.ts";

/** What a wait throws that ended because another context has failed. */
export const PANICKED = "the machine has panicked: another CPU has reported a failure";

export class Panic {
  declare private readonly words: Int32Array;
  declare private readonly at: number;

  constructor(words: Int32Array, at: Address) {
    this.words = words;
    this.at = at >> 2;
  }

  /** Ends every wait, present and future. */
  raise(): void {
    Atomics.store(this.words, this.at, 1);
  }

  get isRaised(): boolean {
    return Atomics.load(this.words, this.at) !== 0;
  }

  /** @throws KernelBug `deadlock` after a panic */
  check(): void {
    if (this.isRaised) throw new KernelBug("deadlock", PANICKED);
  }
}
