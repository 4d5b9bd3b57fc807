// SPDX-License-Identifier: GPL-2.0-only
/** Whether an error is a failure of the allocator or of the program. */
import { KernelBug } from "../src/machine/kernel-bug.ts";

/**
 * The failure that an error stands for; undefined: the program itself went wrong. A trap of the
 * atomic instructions is an access outside of the memory. An allocator that is `mutated` may follow
 * garbage into anything before a check sees it.
 */
export function bugOf(error: unknown, mutated: boolean): KernelBug | undefined {
  if (error instanceof KernelBug) return error;
  if (!(error instanceof Error) || (!mutated && error.name !== "RuntimeError")) return undefined;
  const bug = new KernelBug("bad-access", error.message);
  if (error.stack !== undefined) bug.stack = error.stack;
  return bug;
}
