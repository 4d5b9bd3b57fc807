/**
 * A mutation takes one fix out of the allocator, to see what it was for: a subclass in the place of
 * one part. The allocator itself knows nothing of it.
 */
import type { SystemClasses } from "../../kernel/classes.ts";
import type { FailureClass } from "../../machine/kernel-bug.ts";

export interface Mutation {
  /** R…: a bug that Linux had. S…: made up, in the same spirit. */
  readonly id: string;
  readonly title: string;
  /** The commit that fixed it, and when; null where there was none. */
  readonly commit: string | null;
  readonly year: number | null;
  /** The failures it may show itself by, the likeliest first; none: it stays harmless by itself. */
  readonly expect: readonly FailureClass[];
  change(classes: SystemClasses): SystemClasses;
}
