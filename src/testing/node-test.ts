// SPDX-License-Identifier: MIT
/** `interleavings` as a test of `node:test`, and `outcomes` to call in one; see vitest.ts. */
import { test } from "node:test";
import type { SearchOptions } from "../explore/explore.ts";
import type { BufferSpecs, BuffersProgram, WordsProgram } from "../explore/javascript/program.ts";
import { checkInterleavings, type Interleavings } from "./interleavings.ts";
import { define, type Mode } from "./threads/mode.ts";

export { InterleavingError } from "./interleavings.ts";
export { type Expectation, type OutcomeTable, outcomes } from "./outcomes.ts";

/** A test that passes if the program passes in every interleaving. */
export function interleavings(title: string, program: WordsProgram & SearchOptions & Mode): void;
export function interleavings<const B extends BufferSpecs>(
  title: string,
  program: BuffersProgram<B> & SearchOptions & Mode,
): void;
export function interleavings(title: string, program: Interleavings): void {
  const defined = define(title, program);
  void test(title, () => checkInterleavings(defined));
}
