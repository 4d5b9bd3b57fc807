// SPDX-License-Identifier: GPL-2.0-only
/** The digest of an answer, where the answer depends on nothing but the options. */
import { answerHash, shortHash } from "../museum/answer-hash.ts";
import type { EachPlan, Plan } from "../museum/plan.ts";

/** Several scenarios in rounds, in which what a quick one leaves goes to the others. */
interface RoundsPlan extends Omit<EachPlan, "kind"> {
  readonly kind: "rounds";
}

type Asked = Plan | RoundsPlan;

/** null: the search is limited by time, so that it ends elsewhere in each run. */
export function answerOf(plan: Asked, result: unknown): string | null {
  return isLimitedByTime(plan) ? null : answerHash(plan, result);
}

function isLimitedByTime(plan: Asked): boolean {
  switch (plan.kind) {
    case "proofs":
      return false;
    case "fuzz":
    case "calls":
      return plan.programs === undefined || plan.seconds !== undefined;
    default:
      return plan.search.schedules === undefined || plan.search.seconds !== undefined;
  }
}

/** The last line of a report. */
export function seedLine(seed: number, answer: string | null): string {
  return `seed ${seed}${answer === null ? "" : `, ${answerText(answer)}`}\n`;
}

export function answerText(answer: string): string {
  return `answer ${shortHash(answer)}`;
}
