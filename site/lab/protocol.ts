// SPDX-License-Identifier: GPL-2.0-only
/** What the playground and its worker say to each other. */
import type { MemoryModel } from "../../src/explore/store-buffers.ts";

/** What is explored: the text of a scenario, or TypeScript that exports a program. */
export interface Wanted {
  readonly kind: "scenario" | "program";
  readonly text: string;
  /** Id of the exhibit whose bug the allocator has; empty: none. */
  readonly bug: string;
  readonly memory: MemoryModel;
  readonly preemptions: number;
  readonly seconds: number;
  /** Replays this schedule instead of searching. */
  readonly token?: string | undefined;
}

/** Something to choose, with all that is to run then. */
export interface Choice {
  readonly id: string;
  readonly title: string;
  readonly group: string;
  readonly kind: Wanted["kind"];
  readonly text: string;
  readonly bug: string;
  readonly memory: MemoryModel;
  readonly preemptions: number;
}

export type Answer =
  | {
      readonly kind: "catalogue";
      readonly choices: readonly Choice[];
      /** Exhibits by id, with their titles. */
      readonly bugs: readonly (readonly [id: string, title: string])[];
    }
  | { readonly kind: "progress"; readonly text: string }
  | { readonly kind: "passed"; readonly text: string }
  | {
      readonly kind: "failed";
      readonly text: string;
      readonly token: string | undefined;
      /** The timeline, drawn. */
      readonly html: string;
    }
  /** In one line, what is wrong with the program. */
  | { readonly kind: "refused"; readonly text: string };
