// SPDX-License-Identifier: GPL-2.0-only
/**
 * What V8 needs to be told, and how code is written for it, so that a pair of fast paths becomes
 * straight-line code.
 *
 * - It inlines at most 920 bytecodes into one function; the pair needs about twice that. Short of
 *   it, single reads of memory stay calls and the pair costs three times as much. In return, calls
 *   that less than half of the invocations make are left calls: slow paths, once inlined, make a
 *   fast path too large to be inlined itself.
 * - Fields that a constructor sets are `declare`d. A field definition would set `undefined` first;
 *   V8 would then take the field for one that changes, look at its kind at each use, and never
 *   treat the memory of a known allocator as the constant it is. That was half of the pair's cost.
 * - Constants of a module are folded, imported ones are loaded and checked each time: the fast paths
 *   give imported constants a local name.
 */
import { setFlagsFromString } from "node:v8";

/**
 * Sets the limits, for the whole process and for functions not optimised yet: call it first thing.
 * Changes speed only. Every thread of slablab's own commands does.
 */
export function raiseInliningBudget(): void {
  setFlagsFromString("--max-inlined-bytecode-size=3000");
  setFlagsFromString("--max-inlined-bytecode-size-cumulative=5000");
  setFlagsFromString("--min-inlining-frequency=0.5");
}
