// SPDX-License-Identifier: GPL-2.0-only
/** The failures of one kind of bug on real threads. */
import type { FailureClass } from "../machine/kernel-bug.ts";

/**
 * An object or a slab has two owners, and each overwrites what the other reads next. Chance decides
 * which check meets the damage first: a slab that is on a list twice, for example, is its own
 * successor, and a walk of that list never ends.
 */
export const TWO_OWNERS: readonly FailureClass[] = [
  "double-allocation",
  "double-free",
  "lost-object",
  "wrong-slab",
  "list-corruption",
  "counter-drift",
  "use-after-free",
  "stuck-frozen-slab",
  "leaked-page",
  "livelock",
  "bad-access",
];
