/** What a search has found, as text. */
import type { Progress } from "../explore/budget.ts";
import type { ExploreResult } from "../explore/explore.ts";
import type { Failure } from "../explore/replay.ts";
import type { Subject } from "../museum/subject.ts";
import { count, styled } from "./text.ts";
import { timelineText } from "./timeline.ts";

export function explorationProgress({ schedules, seconds, complete }: Progress): string {
  const rate = seconds === 0 ? 0 : schedules / seconds;
  const bound = complete === undefined ? "" : `, all with ${complete.preemptions} preemptions pass`;
  return `${count(schedules)} schedules, ${count(rate)}/s${bound}`;
}

/** `asked`: what was searched, where that is not the subject alone. */
export function explorationReport(
  subject: Subject,
  { schedules, steps, seconds, complete, failure }: ExploreResult,
  asked = subject.scenario,
): string {
  const rate = count(schedules / Math.max(seconds, 1e-6));
  const lines = [
    `${count(schedules)} schedules of ${asked}, ${count(steps)} steps, in ${seconds.toFixed(2)} s (${rate}/s)`,
  ];
  if (complete !== undefined) {
    const all = `all ${count(complete.schedules)} schedules with at most ${complete.preemptions}`;
    lines.push(styled("green", `complete: ${all} preemptions pass`));
  }
  if (failure === undefined) return `${lines.join("\n")}\n`;
  return `${lines.join("\n")}\n${failureText(failure, false)}${replayHint(subject, failure)}`;
}

/** Class, message and timeline. */
export function failureText(failure: Failure, isVerbose: boolean): string {
  const { preemptions, steps } = failure;
  const at = `${preemptions} preemption${preemptions === 1 ? "" : "s"}, ${steps} steps`;
  const head = `\n${styled(["bold", "red"], `FAILURE ${failure.class}`)} (${at})\n  ${failure.message}\n\n`;
  return failure.timeline.length === 0 ? head : head + timelineText(failure.timeline, isVerbose);
}

/** The words that name a subject on a command line. */
function wordsOf({ scenario, mutation, era, allocator, kernel }: Subject): string {
  const words = [scenario];
  if (mutation !== undefined) words.push(`--mutation ${mutation}`);
  if (era === "seed") words.push("--era seed");
  if (allocator !== undefined) words.push(`--allocator ${allocator}`);
  if (kernel !== undefined) words.push(`--kernel ${kernel}`);
  return words.join(" ");
}

function replayHint(subject: Subject, { token }: Failure): string {
  if (token === undefined) return "";
  const [scenario = "", ...options] = wordsOf(subject).split(" ");
  return `\nreplay: slablab replay ${[scenario, token, ...options].join(" ")}\n`;
}
