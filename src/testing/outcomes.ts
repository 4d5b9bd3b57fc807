// SPDX-License-Identifier: MIT
/**
 * Outcome tables in the manner of jcstress: which results the tasks can have together, and how often.
 *
 *     outcomes(storeBuffering, { "0, 0": "forbidden", "0, 1": "expected", "1, 0": "expected", … })
 */
import type { ExploreResult, SearchOptions } from "../explore/explore.ts";
import { explore } from "../explore/javascript/explore.ts";
import { textOf } from "../explore/javascript/linearizability.ts";
import type { Results, WordsProgram } from "../explore/javascript/program.ts";
import { InterleavingError, type Interleavings } from "./interleavings.ts";

/** `interesting` is allowed, and marked in the table. An outcome that is not named is forbidden. */
export type Expectation = "expected" | "interesting" | "forbidden";

/** By outcome: in how many schedules it came, and what was expected of it. */
export type OutcomeTable = ReadonlyMap<string, { count: number; expectation: Expectation }>;

/**
 * Runs every schedule with at most `preemptions` preemptions and counts the results of the tasks, as
 * `"1, 0"` in the order of the tasks. A schedule that was run before the search knew which words are
 * shared counts, too, so the counts say which outcomes are frequent, not how many schedules there are.
 * @throws InterleavingError, with the table, for a forbidden outcome and for an expected one that did
 *   not come.
 */
export function outcomes(
  program: Interleavings,
  expected: Readonly<Record<string, Expectation>>,
): OutcomeTable {
  const counts = new Map<string, number>();
  const { check, ...rest } = program as WordsProgram & SearchOptions;
  const order = Object.keys(program.tasks);
  const { name = "program", preemptions = 2 } = program;
  const { failure, complete } = explore({
    ...rest,
    prunes: false,
    leastPreemptions: preemptions,
    check: (words: Int32Array, results: Results) => {
      check?.(words, results);
      const outcome = order.map((task) => textOf(results[task])).join(", ");
      counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
    },
  } as WordsProgram & SearchOptions) as ExploreResult;
  if (failure !== undefined) throw new InterleavingError(failure.message, failure);
  const names = new Set([...Object.keys(expected), ...counts.keys()]);
  const table = new Map(
    [...names].map((outcome) => [
      outcome,
      { count: counts.get(outcome) ?? 0, expectation: expected[outcome] ?? "forbidden" },
    ]),
  );
  const wrong = [...table].filter(([, row]) => row.count > 0 === (row.expectation === "forbidden"));
  const isOff = wrong.some(([, { expectation }]) => expectation !== "interesting");
  if (complete?.preemptions !== preemptions || isOff) {
    throw new InterleavingError(`${name}:\n${tableText(table)}`);
  }
  return table;
}

/** The table for a reader, the most frequent outcome first. */
function tableText(table: OutcomeTable): string {
  const rows = [...table].sort(([, a], [, b]) => b.count - a.count);
  const width = Math.max(...rows.map(([outcome]) => outcome.length), "outcome".length);
  const lines = rows.map(([outcome, { count, expectation }]) => {
    const isWrong = count > 0 === (expectation === "forbidden") && expectation !== "interesting";
    return `  ${outcome.padEnd(width)}  ${String(count).padStart(9)}  ${expectation}${isWrong ? "  !!!" : ""}`;
  });
  return [`  ${"outcome".padEnd(width)}  schedules  expectation`, ...lines].join("\n");
}
