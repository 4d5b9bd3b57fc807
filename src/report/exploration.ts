// SPDX-License-Identifier: GPL-2.0-only
/** The result of a search, as text. */
import { ANY_NUMBER, type Complete, type Progress } from "../explore/budget.ts";
import type { ExploreResult } from "../explore/explore.ts";
import type { Failure } from "../explore/replay.ts";
import { placeText } from "../explore/stack.ts";
import type { TimelineEvent } from "../explore/timeline.ts";
import { isDataRace } from "../museum/regressions.ts";
import type { Subject } from "../museum/subject.ts";
import { commandLine, count, styled } from "./text.ts";
import { timelineText } from "./timeline.ts";

export function explorationProgress({ schedules, seconds, complete }: Progress): string {
  const rate = seconds === 0 ? 0 : schedules / seconds;
  const bound = complete === undefined ? "" : `, all with ${complete.preemptions} preemptions pass`;
  return `${count(schedules)} schedules, ${count(rate)}/s${bound}`;
}

/** `asked`: the scenarios searched, where there are more than the subject. */
export function explorationReport(
  subject: Subject,
  result: ExploreResult,
  asked = subject.scenario,
): string {
  const { complete, failure } = result;
  const searched = headText(asked, result) + completeText(complete) + conflictsText(result);
  if (failure === undefined) return searched + provenNothing(result);
  return `${searched}${failureText(failure, false)}${replayHint(subject, failure)}`;
}

export function headText(asked: string, { schedules, steps, seconds }: ExploreResult): string {
  const head = `${count(schedules)} schedules of ${asked}, ${count(steps)} steps, in`;
  return `${head} ${timeText(schedules, seconds)}\n`;
}

function conflictsText({ conflicts, ordersDiffer, failure }: ExploreResult): string {
  // What fails whatever the order is a failure all the same.
  if (!ordersDiffer && failure === undefined) {
    return `${styled("yellow", "0 conflicting accesses: nothing could have failed here")}\n`;
  }
  return conflicts === 0 ? "" : `${count(conflicts)} conflicting pairs of accesses\n`;
}

export function provenNothing({ complete }: ExploreResult): string {
  return complete === undefined ? `${styled("yellow", "not complete: nothing is proven")}\n` : "";
}

/** Of a search that was ended before it had an answer. */
export function interruptedReport(
  asked: string,
  { schedules, seconds, complete }: Progress,
): string {
  const head = `${count(schedules)} schedules of ${asked} in ${timeText(schedules, seconds)}\n`;
  const note = styled("yellow", "interrupted: this is what was done so far");
  return `${head}${completeText(complete)}${note}\n`;
}

function timeText(schedules: number, seconds: number): string {
  return `${seconds.toFixed(2)} s (${count(schedules / Math.max(seconds, 1e-6))}/s)`;
}

/** What passes where a search is complete. */
export function boundText(preemptions: number): string {
  if (preemptions === ANY_NUMBER) return "every interleaving";
  return `every schedule with at most ${preemptions} preemptions`;
}

function completeText(complete: Complete | undefined): string {
  if (complete === undefined) return "";
  if (complete.preemptions === ANY_NUMBER) {
    const some = `${count(complete.schedules)} schedules stand for all`;
    return `${styled("green", `complete: every interleaving passes (${some})`)}\n`;
  }
  const all = `all ${count(complete.schedules)} schedules with at most ${complete.preemptions}`;
  return `${styled("green", `complete: ${all} preemptions pass`)}\n`;
}

/** Class, message, of a data race both accesses, and the timeline. */
export function failureText(failure: Failure, isVerbose: boolean): string {
  const { preemptions, steps, race = [], timeline } = failure;
  const at = `${preemptions} preemption${preemptions === 1 ? "" : "s"}, ${steps} steps`;
  const head = `\n${styled(["bold", "red"], `FAILURE ${failure.class}`)} (${at})\n  ${failure.message}\n\n`;
  const accesses = race.map(accessText).join("");
  return head + accesses + (timeline.length === 0 ? "" : timelineText(timeline, isVerbose));
}

/** An access with its value and its stack, innermost frame first. */
function accessText({ contextName, cpu, operation, text, access }: TimelineEvent): string {
  const stack = (access?.stack ?? []).map((frame) => `      ${placeText(frame)}\n`).join("");
  return `  ${access?.kind} by ${contextName} on CPU ${cpu}, in ${operation}: ${text}\n${stack}\n`;
}

export function replayHint(subject: Subject, failure: Failure): string {
  const command = replayCommand(subject, failure);
  return command === "" ? "" : `\nreplay: ${command}\n`;
}

/** Empty for a failure that no token replays. */
export function replayCommand(
  { scenario, mutation, era, allocator, kernel, memory }: Subject,
  failure: Failure,
): string {
  const { token } = failure;
  if (token === undefined) return "";
  const words = ["slablab", "replay", scenario, token];
  if (mutation !== undefined) words.push("--mutation", mutation);
  if (era === "seed") words.push("--era", "seed");
  if (allocator !== undefined) words.push("--allocator", allocator);
  if (kernel !== undefined) words.push("--kernel", kernel);
  if (memory !== undefined) words.push("--memory", memory);
  if (isDataRace(failure)) words.push("--races");
  return commandLine(words);
}
