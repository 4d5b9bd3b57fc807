// SPDX-License-Identifier: MIT
/**
 * The failures of a run. The machine's classes are one closed list (machine/kernel-bug.ts); anything
 * else that a program's own operations or checks throw is an `exception`.
 */
import { type FailureClass, KernelBug } from "../machine/kernel-bug.ts";
import type { Address } from "../machine/memory.ts";
import type { Context } from "./context.ts";
import { StaleSchedule } from "./schedulers/replay.ts";

export type FoundClass = FailureClass | "exception";

export interface Found {
  readonly class: FoundClass;
  readonly message: string;
}

/** The program cannot be explored, whatever the schedule. */
export class NotExplorable extends TypeError {
  override name = "NotExplorable";
}

/**
 * The failure that was thrown. A schedule that does not fit and a program that cannot be explored are
 * no failures: they are thrown again.
 */
export function classOf(thrown: unknown): Found {
  if (thrown instanceof StaleSchedule || thrown instanceof NotExplorable) throw thrown;
  if (thrown instanceof KernelBug) return { class: thrown.failure, message: thrown.message };
  const message = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
  return { class: "exception", message };
}

/** Says which contexts wait, for which words, and which contexts hold them. */
export function describeDeadlock(
  stuck: readonly Context[],
  contexts: readonly Context[],
  nameOf: (address: Address) => string,
): string {
  return `deadlock: ${stuck.map((context) => describeStuck(context, contexts, nameOf)).join("; ")}`;
}

function describeStuck(
  context: Context,
  contexts: readonly Context[],
  nameOf: (address: Address) => string,
): string {
  const place = `CPU ${context.cpu}: ${context.name} in ${context.operationName}`;
  if (context.waitAddress === 0) {
    return context.running ? `${place} does not get its CPU back` : `${place} cannot begin`;
  }
  const wait = `waits for ${nameOf(context.waitAddress)}`;
  const holder = contexts[context.waitHolder - 1];
  if (context.waitHolder <= 0 || holder === undefined) return `${place} ${wait}`;
  return `${place} ${wait}, held by ${holder.name} (CPU ${holder.cpu}, in ${holder.operationName})`;
}
