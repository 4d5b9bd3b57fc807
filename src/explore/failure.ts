/**
 * What a run can fail with. The kernel's classes are one closed list (machine/kernel-bug.ts); what
 * else is thrown by a program's own operations or checks is an `exception`.
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

/** The failure that was thrown; a schedule that does not fit is none and goes on. */
export function classOf(thrown: unknown): Found {
  if (thrown instanceof StaleSchedule) throw thrown;
  if (thrown instanceof KernelBug) return { class: thrown.failure, message: thrown.message };
  const message = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
  return { class: "exception", message };
}

/** Who waits for what, and who holds it. */
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
  const who = `CPU ${context.cpu}: ${context.name} in ${context.operationName}`;
  if (context.waitAddress === 0) {
    return context.running ? `${who} is under an interrupt` : `${who} cannot begin`;
  }
  const what = `waits for ${nameOf(context.waitAddress)}`;
  const holder = contexts[context.waitHolder - 1];
  if (context.waitHolder <= 0 || holder === undefined) return `${who} ${what}`;
  return `${who} ${what}, held by ${holder.name} (CPU ${holder.cpu}, in ${holder.operationName})`;
}
