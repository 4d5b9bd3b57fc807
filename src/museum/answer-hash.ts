// SPDX-License-Identifier: GPL-2.0-only
/** The digest of an answer: the same for every run of one plan, however many machines ran it. */
import { createHash } from "node:crypto";

/**
 * What depends on the machine: times, the deepest bound that a share of time allowed, and timelines,
 * whose stacks name files.
 */
const LEFT_OUT = new Set([
  "seconds",
  "cpuSeconds",
  "secondsInAll",
  "fixedBound",
  "timeline",
  "race",
]);

export function answerHash(plan: object, answer: unknown): string {
  const steady = (key: string, value: unknown): unknown => (LEFT_OUT.has(key) ? undefined : value);
  const text = JSON.stringify({ plan, answer }, steady);
  return createHash("sha256").update(text).digest("hex");
}

/** As it is printed beside the seed. */
export function shortHash(hash: string): string {
  return hash.slice(0, 12);
}
