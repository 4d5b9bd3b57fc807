// SPDX-License-Identifier: GPL-2.0-only
/** The error that ended a task early, and which task failed first. */
import { type Kernel, threadOf } from "../src/kernel/kernel.ts";
import { PANICKED } from "../src/machine/panic.ts";
import { bugOf } from "./bug.ts";
import type { StressControl } from "./control.ts";
import type { TaskFailure } from "./protocol.ts";

/** Ends the run for an error in a task: the stop flag and the panic word are set for all others. */
export function failRun(
  error: unknown,
  task: number,
  { kernel, control, mutated }: { kernel: Kernel; control: StressControl; mutated: boolean },
): TaskFailure {
  const { message, stack = "" } = error instanceof Error ? error : new Error(String(error));
  const first = message !== PANICKED && control.failFirst(task);
  control.stop();
  threadOf(kernel).panic();
  return { failure: bugOf(error, mutated)?.failure, message, stack, first };
}
