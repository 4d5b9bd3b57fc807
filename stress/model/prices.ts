// SPDX-License-Identifier: GPL-2.0-only
/**
 * What counted things cost, and what waiting for locks adds. With n CPUs a lock is a server that n
 * customers come to, each after a while of other work: mean value analysis of a closed network
 * (Reiser and Lavenberg 1980) gives the wait without a single random number.
 */

/** ns. */
export interface Prices {
  readonly access: number;
  /** A locked instruction on a line that the CPU has, beyond an access. */
  readonly locked: number;
  /** A line from another CPU; from another node it costs as much again. */
  readonly transfer: number;
}

/**
 * Of Xeons: an owned cmpxchg and half of a round trip between cores, as measured; an access in a pair,
 * an estimate.
 */
export const PRICES: Prices = { access: 0.4, locked: 7, transfer: 85 };

/**
 * ns that an operation waits for locks, where it works for `alone` ns without a lock and for each of
 * `held` ns with it.
 */
export function lockWait(cpus: number, alone: number, held: readonly number[]): number {
  let waiting = held.map(() => 0);
  let answered = held.map(() => 0);
  for (let n = 1; n <= cpus; n++) {
    answered = held.map((ns, k) => ns * (1 + (waiting[k] as number)));
    const cycle = alone + answered.reduce((sum, ns) => sum + ns, 0);
    waiting = answered.map((ns) => (n * ns) / cycle);
  }
  return answered.reduce((sum, ns, k) => sum + ns - (held[k] as number), 0);
}
