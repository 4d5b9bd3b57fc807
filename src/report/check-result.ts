// SPDX-License-Identifier: GPL-2.0-only
/** What a command has checked, one by one, for machines that collect such results. */

export interface CheckResult {
  readonly name: string;
  readonly seconds: number;
  /** The user's file that it is about, if there is one. */
  readonly file?: string | undefined;
  readonly failure?: CheckFailure | undefined;
  /** Why it says nothing: it was interrupted, or its budget ended too early. */
  readonly unproven?: string | undefined;
}

export interface CheckFailure {
  readonly class: string;
  readonly message: string;
  /** How to see it again: a command line. */
  readonly again: string;
}

/** `isProven`: false where a search has ended before it completed a bound that it was to complete. */
export function searched(
  result: Pick<CheckResult, "name" | "seconds" | "file" | "failure">,
  isProven: boolean,
): CheckResult {
  if (result.failure !== undefined || isProven) return result;
  return { ...result, unproven: "not complete: nothing is proven" };
}
