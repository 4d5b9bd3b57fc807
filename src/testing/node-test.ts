// SPDX-License-Identifier: MIT
/** `interleavings` and `outcomes` as tests of `node:test`; see vitest.ts. */
import { test } from "node:test";
import type { SearchOptions } from "../explore/explore.ts";
import type { BufferSpecs, BuffersProgram, WordsProgram } from "../explore/javascript/program.ts";
import { checkInterleavings, type Interleavings } from "./interleavings.ts";

export { InterleavingError } from "./interleavings.ts";
export { type Expectation, type OutcomeTable, outcomes } from "./outcomes.ts";

const nameOf = (title: string): string => title.trim().replaceAll(/[^\w./-]+/g, "-");

/** A test that passes if the program passes in every interleaving. */
export function interleavings(title: string, program: WordsProgram & SearchOptions): void;
export function interleavings<const B extends BufferSpecs>(
  title: string,
  program: BuffersProgram<B> & SearchOptions,
): void;
export function interleavings(title: string, program: Interleavings): void {
  void test(title, () => checkInterleavings({ name: nameOf(title), ...program }));
}
