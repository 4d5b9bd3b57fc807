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

/** Returns when the word differs from `value`, when it is notified, or after `ms`. */
export function nap(words: Int32Array, at: number, value: number, ms = NAP_MS): void {
  if (mayBlock()) {
    Atomics.wait(words, at, value, ms);
    return;
  }
  const end = now() + ms;
  while (Atomics.load(words, at) === value && now() < end) pause();
}
