// SPDX-License-Identifier: MIT
/** Naps: a task that waits sleeps for a moment at a time, and looks for calls and panic in between. */
import { now } from "./platform.ts";

/** How long a sleeper waits before it looks for calls, panic and dead holders, in ms. */
export const NAP_MS = 5;
/** A nap counts as this much of a wait at most: a stopped process has not waited. */
const LONGEST_NAP_MS = 4 * NAP_MS;

/** The share in a wait of the nap that began at `start`, in ms. */
export function napSince(start: number): number {
  return Math.min(now() - start, LONGEST_NAP_MS);
}
