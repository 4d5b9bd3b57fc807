// SPDX-License-Identifier: MIT
/**
 * Naps: a task that waits sleeps for a moment at a time, and looks for calls and panic in between. A
 * thread that must not block (a page's main thread, an AudioWorklet) spins instead.
 */
import { mayBlock, now, pause } from "./platform.ts";

/** How long a sleeper waits before it looks for calls, panic and dead holders, in ms. */
export const NAP_MS = 5;
/** A nap counts as this much of a wait at most: a stopped process has not waited. */
const LONGEST_NAP_MS = 4 * NAP_MS;

/** The share in a wait of the nap that began at `start`, in ms. */
export function napSince(start: number): number {
  return Math.min(now() - start, LONGEST_NAP_MS);
}

/** When a task that waits looks for threads that have ended: after this long, and twice as long again. */
const SEARCH_MS = 100;

export class Search {
  private at = SEARCH_MS;

  /** Whether a task that has waited for so many ms is to look now. */
  isDue(waited: number): boolean {
    if (waited < this.at) return false;
    this.at *= 2;
    return true;
  }
}

/** Returns when the word differs from `value`, when it is notified, or after `ms`. */
export function nap(words: Int32Array, at: number, value: number, ms = NAP_MS): void {
  if (mayBlock()) {
    Atomics.wait(words, at, value, ms);
    return;
  }
  const end = now() + ms;
  while (Atomics.load(words, at) === value && now() < end) pause();
}
