// SPDX-License-Identifier: GPL-2.0-only
/**
 * A mutation takes one fix out of the allocator, to show what the fix is for: a subclass in the place
 * of one part. The allocator itself knows nothing of it.
 */
import { refuseUnknownClasses, type SystemClasses } from "../kernel/classes.ts";
import { type FailureClass, KernelBug } from "../machine/kernel-bug.ts";
import { quoted } from "../machine/quoted.ts";

export interface Mutation {
  /** R…: a bug that Linux had. S…: made up, in the same spirit. */
  readonly id: string;
  readonly title: string;
  /** The commit that fixed it, and when; null where there was none. */
  readonly commit: string | null;
  readonly year: number | null;
  /** The failures it may cause, the likeliest first; none: it is harmless by itself. */
  readonly expect: readonly FailureClass[];
  change(classes: SystemClasses): SystemClasses;
}

/** There is no such mutation, or it does not fit the allocator. */
export class NoMutation extends Error {
  override name = "NoMutation";
}

type Table = Readonly<Record<string, unknown>>;

const isTable = (value: unknown): value is Table => typeof value === "object" && value !== null;

/**
 * The table with the mutation made in it.
 * @throws NoMutation where it throws, returns no table, names a class that this table does not have,
 * or leaves every class as it was.
 */
export function mutate({ id, change }: Mutation, classes: SystemClasses): SystemClasses {
  const changed = attempt(id, change, classes);
  if (!isTable(changed)) {
    throw new NoMutation(`${id}: change returns no classes; return { ...classes, Part }`);
  }
  const before: Table = { ...classes };
  let changes = 0;
  for (const [part, now] of Object.entries(changed)) {
    if (typeof now !== typeof before[part]) throw new NoMutation(`${id}: ${part} is no class`);
    if (now !== before[part]) changes++;
  }
  if (changes === 0) throw new NoMutation(`${id} changes no class of ${classes.allocator}`);
  return changed as unknown as SystemClasses;
}

function attempt(id: string, change: Mutation["change"], classes: SystemClasses): unknown {
  return blaming(id, `change throws for ${classes.allocator}`, () => {
    const changed: unknown = change(classes);
    if (isTable(changed)) refuseUnknownClasses(classes, changed);
    return changed;
  });
}

/** Does `work`, which runs code of the mutation `name`. An error there is the mutation's fault. */
export function blaming<T>(name: string, what: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof NoMutation || error instanceof KernelBug) throw error;
    throw new NoMutation(`${name}: ${what}: ${messageOf(error)}`, { cause: error });
  }
}

/** What was thrown, which need not be an error, for a message. */
export function messageOf(error: unknown): string {
  return quoted(error instanceof Error ? error.message : String(error));
}
