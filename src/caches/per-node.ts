// SPDX-License-Identifier: GPL-2.0-only
/**
 * Numbers as sysfs writes them where they are kept by node or by CPU: the sum, then each share that
 * is not zero (`48 N0=32 N1=16`, `40 C0=39 C3=1`).
 */

/** `shares` by node or CPU number; `letter` is N or C. */
export function sumAndShares(shares: readonly number[], letter: "N" | "C"): string {
  const sum = shares.reduce((total, share) => total + share, 0);
  const parts = shares.flatMap((share, i) => (share === 0 ? [] : [`${letter}${i}=${share}`]));
  return [sum, ...parts].join(" ");
}
