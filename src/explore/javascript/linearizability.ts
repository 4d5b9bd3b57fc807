// SPDX-License-Identifier: MIT
/**
 * Linearizability: is there an order of the calls in which a sequential object gives the same
 * results, and in which a call that ended before another began comes first? Herlihy and Wing,
 * "Linearizability: A Correctness Condition for Concurrent Objects", TOPLAS 1990. The search is that
 * of Wing and Gong, "Testing and Verifying Concurrent Objects", JPDC 1993.
 *
 * A sequential object can be made new, not copied, so each order is tried from the beginning.
 */
import { KernelBug } from "../../machine/kernel-bug.ts";
import { NotExplorable } from "../failure.ts";
import { SUSPEND } from "../stop-rule.ts";
import type { HistoryEvent } from "./history.ts";
import { isSame } from "./same.ts";

export interface Call {
  readonly task: string;
  readonly method: string;
  readonly args: readonly unknown[];
  readonly result: unknown;
  /** Places in the history of its begin and its end. */
  readonly begins: number;
  readonly ends: number;
}

/** An object with methods. */
type Sequential = object;

/** The calls of a history whose tasks have ended. */
export function callsOf(
  events: readonly HistoryEvent[],
  describe: (task: number, call: number) => Pick<Call, "task" | "method" | "args" | "result">,
): Call[] {
  return events.flatMap(({ task, call, what }, begins) => {
    if (what === "ends") return [];
    const ends = events.findIndex(
      (other) => other.what === "ends" && other.task === task && other.call === call,
    );
    return [{ ...describe(task, call), begins, ends }];
  });
}

/** An order of the calls that explains their results, or undefined: there is none. */
function linearization(calls: readonly Call[], spec: () => Sequential): Call[] | undefined {
  const order: Call[] = [];

  function extend(): boolean {
    const left = calls.filter((call) => !order.includes(call));
    if (left.length === 0) return true;
    const firstEnd = Math.min(...left.map(({ ends }) => ends));
    return left.some((call) => {
      // Another call that is left ended before this one began.
      if (call.begins > firstEnd) return false;
      order.push(call);
      if (explains(order, spec) && extend()) return true;
      order.pop();
      return false;
    });
  }

  return extend() ? order : undefined;
}

/** @throws Error if no order of the calls explains their results. */
export function checkLinearizable(calls: readonly Call[], spec: () => Sequential): void {
  if (linearization(calls, spec) !== undefined) return;
  const error = new Error(
    `no order of these calls explains their results: ${calls.map(describeCall).join("; ")}`,
  );
  error.name = "not linearizable";
  throw error;
}

/** The sequential object answers each call in turn as it was answered. */
function explains(order: readonly Call[], spec: () => Sequential): boolean {
  const object = made(spec);
  return order.every(({ method, args, result }) =>
    isSame(called(object, method, args, true), result),
  );
}

function made(spec: () => Sequential): Sequential {
  let object: unknown;
  try {
    object = spec();
  } catch (thrown) {
    throw new NotExplorable(`spec() throws ${thrown}: it makes the sequential object`);
  }
  if (typeof object === "object" && object !== null) return object;
  throw new NotExplorable(`spec() makes ${textOf(object)}, not a sequential object`);
}

/** What a method returns. @throws NotExplorable where there is none of that name. */
function answer(object: Sequential, method: string, args: readonly unknown[]): unknown {
  const call = Reflect.get(object, method);
  if (typeof call === "function") return Reflect.apply(call, object, args);
  throw new NotExplorable(`${nameOf(object)} has no method ${method}`);
}

/** The same, but where a sequential object judges, an error is a result. */
export function called(
  object: object,
  method: string,
  args: readonly unknown[],
  isJudged: boolean,
): unknown {
  if (!isJudged) return answer(object, method, args);
  try {
    return answer(object, method, args);
  } catch (thrown) {
    if (thrown === SUSPEND || thrown instanceof KernelBug || thrown instanceof NotExplorable) {
      throw thrown;
    }
    return `throws ${thrown}`;
  }
}

function nameOf(object: Sequential): string {
  return object.constructor?.name ?? "the object";
}

/** `producer: push(1) -> true` */
function describeCall({ task, method, args, result }: Call): string {
  const given = args.map((value) => textOf(value)).join(", ");
  return `${task}: ${method}(${given}) -> ${textOf(result)}`;
}

/** A value for a reader. */
export function textOf(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value !== "object" || value === null) return String(value);
  if (value instanceof Error) return String(value);
  if (Array.isArray(value)) return `[${value.map(textOf).join(", ")}]`;
  const members = Object.entries(value).map(([name, member]) => `${name}: ${textOf(member)}`);
  return `{${members.join(", ")}}`;
}
