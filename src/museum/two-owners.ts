/** What bugs of one kind show themselves by on real threads. */
import type { FailureClass } from "../machine/kernel-bug.ts";

/**
 * An object or a slab has two owners. Each overwrites what the other reads next, and which check or
 * which walk meets it first is chance: a slab twice on a list is its own successor, for example, and
 * whoever walks that list walks for ever.
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
