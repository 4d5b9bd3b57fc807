// SPDX-License-Identifier: MIT
/**
 * The random generator of the whole tree: xorshift32 (Marsaglia 2003). A state, which is not 0, is
 * the number drawn, as an int32; from it comes the next state.
 */
export function xorshift32(state: number): number {
  let x = state;
  x ^= x << 13;
  x ^= x >>> 17;
  return x ^ (x << 5);
}
