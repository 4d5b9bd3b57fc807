// SPDX-License-Identifier: MIT
/**
 * Notices contexts that spin: loops that look at the same words again and again, while nothing
 * changes, until another context changes one. The scheduler is free to let such a loop run for ever.
 * So a context that has come back to known words too often gives way: it goes on when a word has
 * changed, or when no other context can.
 *
 * A loop that spins for a limited number of rounds is explored whole if its rounds are fewer than
 * those that are allowed here.
 */
import type { Address } from "../machine/memory.ts";
import type { Context } from "./context.ts";

export class SpinWatch {
  private readonly most: number;
  /** Changes of words so far, from 1. */
  private changes = 1;

  /** A context gives way after coming back `most` times to words that it knows. */
  constructor(most: number) {
    this.most = most;
  }

  /** A word has got another value. */
  changed(): void {
    this.changes++;
  }

  /** `context` has accessed the word. True: it gives way from now on. */
  accessed(context: Context, address: Address): boolean {
    const { looked } = context;
    if (context.lookedSince !== this.changes) {
      context.lookedSince = this.changes;
      context.looksInVain = 0;
      looked.clear();
    }
    if (looked.has(address)) context.looksInVain++;
    else looked.add(address);
    const gaveWay = context.givesWay;
    context.givesWay = context.looksInVain > this.most;
    return context.givesWay && !gaveWay;
  }

  /** Nothing has changed since `context` began to give way. */
  isIdle(context: Context): boolean {
    return context.givesWay && context.lookedSince === this.changes;
  }

  /** No other context can go on, so `context` may look as often again. */
  release(context: Context): void {
    context.looksInVain = 0;
    context.givesWay = false;
  }
}
