// SPDX-License-Identifier: GPL-2.0-only
/** Saved failures: the subject that failed, and the token that replays it. Searches try them first. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { ALLOCATORS } from "../caches/flags.ts";
import { ERAS, KERNEL_VERSIONS } from "../caches/kernel-version.ts";
import type { Failure } from "../explore/replay.ts";
import { quoted } from "../machine/quoted.ts";
import type { Subject } from "./subject.ts";

const SCHEMA = "slablab/regression/1";
/** The folder that searches read, in the working directory. */
export const REGRESSIONS = "regressions";

const Saved = v.object({
  schema: v.literal(SCHEMA),
  subject: v.object({
    scenario: v.string(),
    text: v.optional(v.string()),
    mutation: v.optional(v.string()),
    era: v.optional(v.picklist(ERAS)),
    allocator: v.optional(v.picklist(ALLOCATORS)),
    kernel: v.optional(v.picklist(KERNEL_VERSIONS)),
  }),
  token: v.string(),
  class: v.string(),
  message: v.string(),
});

export type Regression = v.InferOutput<typeof Saved> & { readonly subject: Subject };

/** The file cannot be read as a saved failure. */
export class BadRegression extends Error {}

/** @throws BadRegression */
export function readRegression(file: string): Regression {
  try {
    return v.parse(Saved, JSON.parse(readFileSync(file, "utf8")));
  } catch (error) {
    const why = quoted((error as Error).message);
    throw new BadRegression(`${file}: ${why}`, { cause: error });
  }
}

/** Only a replay that checks for data races shows one again. */
export function isDataRace(failure: { readonly class: string }): boolean {
  return failure.class === "data-race";
}

/** A failure as the text of such a file. */
export function regressionText(subject: Subject, failure: Failure): string {
  const { token = "", class: found, message } = failure;
  const saved = { schema: SCHEMA, subject, token, class: found, message };
  return `${JSON.stringify(saved, null, 2)}\n`;
}

/** Saved failures of the same subject, in the order of their names. */
export function regressionsOf(subject: Subject): { file: string; saved: Regression }[] {
  let names: string[];
  try {
    names = readdirSync(REGRESSIONS).filter((name) => name.endsWith(".json"));
  } catch {
    return [];
  }
  return names
    .sort()
    .map((name) => join(REGRESSIONS, name))
    .map((file) => ({ file, saved: readRegression(file) }))
    .filter(({ saved }) => isSame(saved.subject, subject));
}

function isSame(one: Subject, other: Subject): boolean {
  return (
    one.scenario === other.scenario &&
    one.text === other.text &&
    one.mutation === other.mutation &&
    (one.era ?? "fixed") === (other.era ?? "fixed") &&
    one.allocator === other.allocator &&
    one.kernel === other.kernel
  );
}
