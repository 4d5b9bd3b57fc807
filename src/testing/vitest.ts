// SPDX-License-Identifier: MIT
/**
 * `test.interleavings` for vitest: a test that passes if a program passes in every interleaving.
 *
 *     import { test } from "slablab/vitest";
 *
 *     test.interleavings("two increments", {
 *       words: 1,
 *       tasks: {
 *         one: (words) => { Atomics.add(words, 0, 1); },
 *         other: (words) => { Atomics.add(words, 0, 1); },
 *       },
 *       check: (words) => { expect(words[0]).toBe(2); },
 *     });
 */
import { type TestAPI, test as vitestTest } from "vitest";
import type { SearchOptions } from "../explore/explore.ts";
import type { BufferSpecs, BuffersProgram, WordsProgram } from "../explore/javascript/program.ts";
import { checkInterleavings, type Interleavings } from "./interleavings.ts";
import { outcomes } from "./outcomes.ts";
import { define, type Mode } from "./threads/mode.ts";

export { InterleavingError } from "./interleavings.ts";
export { type Expectation, type OutcomeTable, outcomes } from "./outcomes.ts";

/** Searching takes as long as the program says, so vitest sets no limit of its own. */
const WITHOUT_LIMIT = { timeout: 0 };

type Expected = Parameters<typeof outcomes>[1];

function interleavings(title: string, program: WordsProgram & SearchOptions & Mode): void;
function interleavings<const B extends BufferSpecs>(
  title: string,
  program: BuffersProgram<B> & SearchOptions & Mode,
): void;
function interleavings(title: string, program: Interleavings): void {
  const defined = define(title, program);
  vitestTest(title, WITHOUT_LIMIT, () => checkInterleavings(defined));
}

/** vitest's `test`, with tests over interleavings. */
export const test: TestAPI & {
  interleavings: typeof interleavings;
  /** A test that passes if a program has the expected results only. */
  outcomes(title: string, program: Interleavings, expected: Expected): void;
} = Object.assign(vitestTest.extend({}), {
  interleavings,
  outcomes(title: string, program: Interleavings, expected: Expected): void {
    const defined = define(title, program);
    vitestTest(title, WITHOUT_LIMIT, () => {
      outcomes(defined, expected);
    });
  },
});
