// SPDX-License-Identifier: GPL-2.0-only
/**
 * The yardstick of every measurement: a bare pair of compare-and-swaps on a word that no other CPU
 * touches. Its cost is the machine's, whatever runs beside it, so ratios to it can be compared
 * between runs and machines; nanoseconds cannot.
 */

/** Words of the caller's own, a cache line at least. */
export function yardstickWords(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(256));
}

/** Swaps a word back and forth, `pairs` times. Returns `pairs`. */
export function casPairs(words: Int32Array, pairs: number): number {
  for (let i = 0; i < pairs; i++) {
    Atomics.compareExchange(words, 16, 0, 1);
    Atomics.compareExchange(words, 16, 1, 0);
  }
  return pairs;
}
