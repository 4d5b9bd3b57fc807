// SPDX-License-Identifier: GPL-2.0-only
/**
 * Shrinkers of a program. One runs in the middle of an allocation, which goes on without it if it
 * throws, or returns what is no number of objects; the error rejects a promise that nobody waits for.
 */
import { KernelBug } from "../machine/kernel-bug.ts";
import { named } from "../machine/option-check.ts";
import type { Shrinker } from "../pages/reserves.ts";

/** SHRINK_STOP */
const STOP = -1;

function answerOf(ask: () => number): number {
  try {
    const answer = ask();
    if (Number.isFinite(answer)) return answer;
    throw new KernelBug("bad-access", `a shrinker answered ${named(answer)}, no number of objects`);
  } catch (error) {
    void Promise.reject(error);
    return STOP;
  }
}

export function guardShrinker(shrinker: Shrinker): Shrinker {
  return {
    ...shrinker,
    count: () => answerOf(() => shrinker.count()),
    scan: (most) => answerOf(() => shrinker.scan(most)),
  };
}
