/**
 * An exhibit is what `slablab museum` shows: one bug, the smallest scenario that shows it, and what
 * must happen. A file of bugs/ tells all of that in one place, and `bug` makes the exhibit. The proof
 * (prove.ts) searches the broken source until it fails and the fixed one until nothing is left.
 */
import type { Change } from "../kernel/classes.ts";
import type { Mutation } from "../laboratory/mutation.ts";
import type { SlabScenario } from "../laboratory/scenario.ts";
import type { FailureClass } from "../machine/kernel-bug.ts";

/**
 * What the entry is known from. V3: the commit's id and text were read. V2: id and title were seen
 * together. V1: the patch mail was read, its id was not confirmed. U: from memory. A trailing `-`:
 * in part only.
 */
export type Verification = "V3" | "V3-" | "V2" | "V2-" | "V1" | "U";

export interface Exhibit {
  /** R…: a bug that Linux had. S…: a made-up one, in the same spirit. */
  readonly id: string;
  /** Another id by which the bug and its mutation are found: it was once counted as made up. */
  readonly alias: string | null;
  readonly title: string;
  /** null: made up, or never found. */
  readonly commit: string | null;
  readonly year: number | null;
  /** null: made up. */
  readonly verification: Verification | null;
  /** The id was not confirmed by any source. */
  readonly isIdUnconfirmed: boolean;
  /** The fixes that the source had otherwise: `seed` is before R01's. */
  readonly era: "fixed" | "seed";
  /** S: an interrupt or preemption on the same CPU. X: another CPU. M: a migration. 0: nobody. */
  readonly needs: "S" | "X" | "M" | "S+X" | "X+hotplug" | "0";
  /** Three sentences: what was wrong, how it goes wrong, what mends it. */
  readonly story: readonly [string, string, string];
  /** null: the broken code is in `brokenScenario`. */
  readonly mutation: Mutation | null;
  /**
   * Methods of the allocator that the mutation writes once more instead of calling them, with the
   * digest of what it was written from (test/museum/retyped.test.ts).
   */
  readonly retypes: Readonly<Record<string, string>>;
  readonly scenario: SlabScenario;
  /** Where the bug is in who uses the allocator. */
  readonly brokenScenario: SlabScenario | null;
  /** Made in both sources, before the mutation. */
  readonly base: Change | null;
  /** null: it stays harmless by itself, which is what the exhibit is about. */
  readonly class: FailureClass | null;
  /** The least preemptions with which it fails; of a harmless one, how many were tried. */
  readonly preemptions: number;
}

const USUALLY = {
  alias: null,
  commit: null,
  year: null,
  verification: null,
  isIdUnconfirmed: false,
  era: "fixed",
  retypes: {},
  brokenScenario: null,
  base: null,
} as const;

type Told = Omit<Exhibit, "mutation" | keyof typeof USUALLY> &
  Partial<Pick<Exhibit, keyof typeof USUALLY>>;

/** Where the allocator is broken, and how that may show; or where its user is. */
type Broken =
  | Pick<Mutation, "change" | "expect">
  | { change?: never; expect?: never; brokenScenario: SlabScenario };

export function bug({ change, expect, ...told }: Told & Broken): Exhibit {
  const exhibit = { ...USUALLY, ...told };
  if (change === undefined) return { ...exhibit, mutation: null };
  const { id, title, commit, year } = exhibit;
  return { ...exhibit, mutation: { id, title, commit, year, expect, change } };
}
