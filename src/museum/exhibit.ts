// SPDX-License-Identifier: GPL-2.0-only
/**
 * An exhibit is what `slablab museum` shows: one bug, the smallest scenario in which it fails, and
 * how it must fail. One file of bugs/ tells all of that. The proof (prove.ts) searches the broken
 * source until it fails, and every schedule of the fixed source.
 */
import type { Era } from "../caches/kernel-version.ts";
import type { MemoryModel } from "../explore/store-buffers.ts";
import type { Change } from "../kernel/classes.ts";
import type { Mutation } from "../laboratory/mutation.ts";
import type { SlabScenario } from "../laboratory/scenario.ts";
import type { FailureClass } from "../machine/kernel-bug.ts";

/**
 * The source of the entry. V3: the commit's id and text were read. V2: id and title were seen
 * together. V1: the patch mail was read, its id was not confirmed. U: from memory. A trailing `-`:
 * only in part. K: no commit mends it yet; a recorded run of the kernel shows it.
 */
export type Verification = "K" | "V3" | "V3-" | "V2" | "V2-" | "V1" | "U";

export interface Exhibit {
  /**
   * R…: a bug that Linux had. S…: a made-up one, in the same spirit. W…: one that shows only where
   * stores are seen late.
   */
  readonly id: string;
  /** Another id by which the bug and its mutation are found: it was once counted as made up. */
  readonly alias: string | null;
  readonly title: string;
  /** null: made up, or unknown. */
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
  /** Three sentences: the mistake, the failure, the fix. */
  readonly story: readonly [string, string, string];
  /** null: the broken code is in `brokenScenario`. */
  readonly mutation: Mutation | null;
  /**
   * Methods of the allocator that the mutation rewrites instead of calling them, each with the
   * digest of the original it was written from (test/museum/retyped.test.ts).
   */
  readonly retypes: Readonly<Record<string, string>>;
  readonly scenario: SlabScenario;
  /** For a bug in code that uses the allocator. */
  readonly brokenScenario: SlabScenario | null;
  /** When other CPUs see a store: weaker than `sc` where only such a machine shows the bug. */
  readonly memory: MemoryModel;
  /** Made in both sources, before the mutation. */
  readonly base: Change | null;
  /** null: the bug is harmless by itself, which the exhibit shows. */
  readonly class: FailureClass | null;
  /** The fewest preemptions with which it fails; for a harmless bug, how many were tried. */
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
  memory: "sc",
} as const;

type Told = Omit<Exhibit, "mutation" | keyof typeof USUALLY> &
  Partial<Pick<Exhibit, keyof typeof USUALLY>>;

/** The bug is in the allocator, or in code that uses it. */
type Broken =
  | Pick<Mutation, "change" | "expect">
  | { change?: never; expect?: never; brokenScenario: SlabScenario };

export function bug({ change, expect, ...told }: Told & Broken): Exhibit {
  const exhibit = { ...USUALLY, ...told };
  if (change === undefined) return { ...exhibit, mutation: null };
  const { id, title, commit, year } = exhibit;
  return { ...exhibit, mutation: { id, title, commit, year, expect, change } };
}
