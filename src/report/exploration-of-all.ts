// SPDX-License-Identifier: GPL-2.0-only
/** What a search of several scenarios has found, as text: which are complete to which bound. */
import type { EachResult } from "../museum/plan.ts";
import type { Subject } from "../museum/subject.ts";
import { boundText, failureText, headText, provenNothing, replayHint } from "./exploration.ts";
import { count, styled } from "./text.ts";

type Searched = EachResult["scenarios"][number];

/** More scenarios than this are only counted. */
const SHOWN = 8;

/** `asked`: what was searched. */
export function explorationOfAllReport(
  subject: Subject,
  result: EachResult,
  asked: string,
): string {
  const { complete, failure, scenarios } = result;
  const head = headText(asked, result);
  if (failure !== undefined) {
    return `${head}${failureText(failure, false)}${replayHint(subject, failure)}`;
  }
  const answer =
    complete === undefined
      ? provenNothing(result)
      : `${styled("green", completeText(scenarios.length, complete.preemptions))}\n`;
  return head + boundsText(scenarios) + harmlessText(scenarios) + answer;
}

function completeText(scenarios: number, preemptions: number): string {
  return `complete: in all ${scenarios} scenarios ${boundText(preemptions)} passes`;
}

/** A line for each bound that is the largest one completed of some scenarios, the largest first. */
function boundsText(scenarios: readonly Searched[]): string {
  const bounds = [...new Set(scenarios.map(boundOf))].sort((one, other) => other - one);
  return bounds
    .map((bound) => {
      const those = scenarios.filter((one) => boundOf(one) === bound);
      if (bound < 0) return `  not even without a preemption: ${namesOf(those)}\n`;
      const schedules = those.reduce((sum, one) => sum + (one.bounds.at(-1)?.schedules ?? 0), 0);
      const which = those.length > SHOWN ? `${those.length} scenarios` : namesOf(those);
      return `  at most ${bound} preemptions: all ${count(schedules)} schedules of ${which} pass\n`;
    })
    .join("");
}

const boundOf = ({ bounds }: Searched): number => bounds.at(-1)?.preemptions ?? -1;

const namesOf = (scenarios: readonly Searched[]): string =>
  scenarios.map(({ scenario }) => scenario).join(", ");

function harmlessText(scenarios: readonly Searched[]): string {
  const harmless = scenarios.filter(({ ordersDiffer }) => !ordersDiffer);
  if (harmless.length === 0) return "";
  return `  0 conflicting accesses, nothing could have failed: ${namesOf(harmless)}\n`;
}
