// SPDX-License-Identifier: MIT
/**
 * Outcome tables in the manner of jcstress: which results the tasks can have together, and how often.
 *
 *     outcomes(storeBuffering, { "0, 0": "forbidden", "0, 1": "expected", "1, 0": "expected", … })
 */
import type { SearchOptions } from "../explore/explore.ts";
import { explore } from "../explore/javascript/explore.ts";
import { textOf } from "../explore/javascript/linearizability.ts";
import type { Results, WordsProgram } from "../explore/javascript/program.ts";
import { checkOnThreads, InterleavingError, type Interleavings } from "./interleavings.ts";
import { isOnThreads, type Mode } from "./threads/mode.ts";

/** `interesting` is allowed, and marked in the table. An outcome that is not named is forbidden. */
export type Expectation = "expected" | "interesting" | "forbidden";

interface Row {
  readonly count: number;
  readonly expectation: Expectation;
}

/** By outcome: in how many schedules, or runs, it came, and what was expected of it. */
export type OutcomeTable = ReadonlyMap<string, Row>;

/**
 * Runs every schedule with at most `preemptions` preemptions and counts the results of the tasks, as
 * `"1, 0"` in the order of the tasks. A schedule that was run before the search knew which words are
 * shared counts, too, so the counts say which outcomes are frequent, not how many schedules there are.
 *
 * On threads it counts the runs; an expected outcome may then stay away.
 * @throws InterleavingError, with the table, for a forbidden outcome and, from the explorer, for an
 *   expected one that did not come.
 */
export function outcomes(
  program: Interleavings,
  expected: Readonly<Record<string, Expectation>>,
): OutcomeTable {
  const counts = new Map<string, number>();
  const order = Object.keys(program.tasks);
  const count = (results: Results): void => {
    const outcome = order.map((task) => textOf(results[task])).join(", ");
    counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  };
  const onThreads = isOnThreads(program);
  if (onThreads) checkOnThreads(program, count);
  const isComplete = onThreads || exploreAll(program, count);
  const names = new Set([...Object.keys(expected), ...counts.keys()]);
  const table = new Map(
    [...names].map((outcome) => [
      outcome,
      { count: counts.get(outcome) ?? 0, expectation: expected[outcome] ?? "forbidden" },
    ]),
  );
  const isOff = ({ count, expectation }: Row): boolean =>
    count > 0 ? expectation === "forbidden" : expectation === "expected" && !onThreads;
  if (isComplete && ![...table.values()].some(isOff)) return table;
  const { name = "program" } = program;
  const unit = onThreads ? "runs" : "schedules";
  throw new InterleavingError(`${name}:\n${tableText(table, unit, isOff)}`);
}

/** Whether the search came to its bound. @throws InterleavingError for a failure. */
function exploreAll(given: Interleavings, count: (results: Results) => void): boolean {
  const {
    mode: _mode,
    module: _module,
    check,
    ...rest
  } = given as WordsProgram & SearchOptions & Mode;
  const { preemptions = 2 } = rest;
  const { failure, complete } = explore({
    ...rest,
    prunes: false,
    leastPreemptions: preemptions,
    check: (words: Int32Array, results: Results) => {
      check?.(words, results);
      count(results);
    },
  } as WordsProgram & SearchOptions);
  if (failure !== undefined) throw new InterleavingError(failure.message, failure);
  return complete?.preemptions === preemptions;
}

/** The table for a reader, the most frequent outcome first. */
function tableText(table: OutcomeTable, unit: string, isOff: (row: Row) => boolean): string {
  const rows = [...table].sort(([, a], [, b]) => b.count - a.count);
  const width = Math.max(...rows.map(([outcome]) => outcome.length), "outcome".length);
  const lines = rows.map(
    ([outcome, row]) =>
      `  ${outcome.padEnd(width)}  ${String(row.count).padStart(9)}  ${row.expectation}${isOff(row) ? "  !!!" : ""}`,
  );
  return [`  ${"outcome".padEnd(width)}  ${unit.padStart(9)}  expectation`, ...lines].join("\n");
}
