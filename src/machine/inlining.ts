/**
 * V8 inlines at most 920 bytecodes into one function. A loop that allocates and frees needs about
 * twice that to become straight-line code; short of it, single reads of memory stay calls and the
 * pair of fast paths costs two to three times as much.
 */
import { setFlagsFromString } from "node:v8";

/**
 * Raises the limits, for the whole process and for functions not optimised yet: call it first thing.
 * Changes speed only. Every thread of slablab's own commands does.
 */
export function raiseInliningBudget(): void {
  setFlagsFromString("--max-inlined-bytecode-size=3000");
  setFlagsFromString("--max-inlined-bytecode-size-cumulative=5000");
}
