// SPDX-License-Identifier: MIT
/** Two results are the same if they hold the same: values, and members of lists and plain objects. */
import { NotExplorable } from "../failure.ts";

export function isSame(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  if (typeof one !== "object" || typeof other !== "object") return false;
  if (one === null || other === null) return false;
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  const names = Object.keys(one);
  if (names.length !== Object.keys(other).length) return false;
  return names.every(
    (name) => name in other && isSame(Reflect.get(one, name), Reflect.get(other, name)),
  );
}

/**
 * The result as plain data that no later step changes: arrays over explored buffers are copied, lists
 * and plain objects too. Other objects stay what they are.
 */
function settled(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value) || ArrayBuffer.isView(value)) {
    return Array.from(value as unknown as ArrayLike<unknown>, settled);
  }
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, settled(member)]));
}

/** What a task has returned, as plain data. @throws NotExplorable for a promise. */
export function resultOf(task: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (!("then" in value) || typeof value.then !== "function") return settled(value);
  throw new NotExplorable(
    `${task} returned a promise: a task runs without await, from its start to its end`,
  );
}
