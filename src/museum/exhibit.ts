/**
 * An exhibit: one bug, the smallest program that shows it, and what must happen. The proof
 * (prove.ts) searches the broken source until it fails and the fixed one until nothing is left.
 */
import type { Era } from "../caches/kernel-version.ts";
import type { Change } from "../kernel/classes.ts";
import type { SlabScenario } from "../laboratory/scenario.ts";
import type { FailureClass } from "../machine/kernel-bug.ts";
import type { Mutation } from "./mutations/index.ts";

/**
 * What the entry is known from. V3: the commit's id and text were read. V2: id and title were seen
 * together. V1: the patch mail was read, its id was not confirmed. U: from memory. A trailing `-`:
 * in part only.
 */
export type Verification = "V3" | "V3-" | "V2" | "V2-" | "V1" | "U";

export interface Exhibit {
  readonly id: string;
  readonly title: string;
  /** null: made up, or never found. */
  readonly commit: string | null;
  readonly year: number | null;
  /** null: made up. */
  readonly verification: Verification | null;
  /** The id was not confirmed by any source. */
  readonly isIdUnconfirmed: boolean;
  /** The fixes that the source had otherwise: `seed` is before R01's. */
  readonly era: Era;
  /** S: an interrupt or preemption on the same CPU. X: another CPU. M: a migration. 0: nobody. */
  readonly needs: "S" | "X" | "M" | "S+X" | "X+hotplug" | "0";
  /** Three sentences: what was wrong, how it goes wrong, what mends it. */
  readonly story: readonly [string, string, string];
  /** null: the broken code is in `brokenScenario`. */
  readonly mutation: Mutation | null;
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

type Optional = "commit" | "year" | "isIdUnconfirmed" | "era" | "brokenScenario" | "base";
type Told = Pick<
  Exhibit,
  "verification" | "needs" | "story" | "scenario" | "class" | "preemptions"
> &
  Partial<Pick<Exhibit, Optional>>;

const USUALLY = {
  isIdUnconfirmed: false,
  era: "fixed",
  brokenScenario: null,
  base: null,
} as const;

/** The exhibit of a mutation, which knows its title, commit and year; `id`: under another name. */
export function exhibitOf(
  mutation: Mutation,
  told: Told & { id?: string; title?: string },
): Exhibit {
  const { id, title, commit, year } = mutation;
  return { ...USUALLY, id, title, commit, year, ...told, mutation };
}

/** An exhibit whose bug is in who uses the allocator. */
export function exhibitOfUse(
  about: Pick<Exhibit, "id" | "title" | "commit" | "year">,
  told: Told & { brokenScenario: SlabScenario },
): Exhibit {
  return { ...USUALLY, ...about, ...told, mutation: null };
}
