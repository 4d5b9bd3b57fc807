// SPDX-License-Identifier: GPL-2.0-only
/** The answer of a search as a page: what was searched to which bound, and what fails, step by step. */
import { ANY_NUMBER, type Complete } from "../explore/budget.ts";
import type { Failure, Replayed } from "../explore/replay.ts";
import { boundText } from "./exploration.ts";
import { html } from "./html.ts";
import { origin, page, type ReportSource, table, verdict } from "./page.ts";
import { count } from "./text.ts";
import { type Telling, timelineHtml } from "./timeline/html.ts";
import { stepThrough } from "./timeline/step-through.ts";
import { STYLE as TIMELINE_STYLE } from "./timeline/style.ts";

/** One scenario or program of those that were searched. */
export interface SearchedPart {
  readonly name: string;
  readonly schedules: number;
  readonly complete: Complete | undefined;
  readonly conflicts: number;
  readonly ordersDiffer: boolean;
  readonly failure: Failure | undefined;
  /** The failure as it is shown: undefined where there is none, or where it has no token. */
  readonly shown?: ShownFailure | undefined;
}

export interface ShownFailure {
  readonly telling: Telling;
  readonly replayed: Replayed;
  /** The command that replays it. */
  readonly again: string;
}

export interface SearchedPage {
  readonly asked: string;
  readonly parts: readonly SearchedPart[];
  readonly seconds: number;
  /** The last line of the report as text: seed and digest. */
  readonly seedLine: string;
  readonly source: ReportSource;
}

const WIDE = "body:has(.schedule) { max-width: 96rem; }";

export function exploreHtml({ asked, parts, seconds, seedLine, source }: SearchedPage): string {
  const failed = parts.filter(({ failure }) => failure !== undefined);
  const schedules = parts.reduce((sum, part) => sum + part.schedules, 0);
  const body = [
    "<h1>slablab explore</h1>",
    `<p>${html(`${count(schedules)} schedules of ${asked} in ${seconds.toFixed(1)} s, ${seedLine}`)}</p>`,
    `<p class="verdict">${answer(parts, failed)}</p>`,
    table(["searched", "schedules", "complete to", "conflicting pairs", "answer"], parts.map(row)),
    "<p>Complete to a number of preemptions: every schedule with at most as many passes. Conflicting " +
      "pairs are accesses of different contexts to one word, one of them a write; without any, " +
      "no order can matter.</p>",
    ...failed.map(failureSection),
    origin(source),
    `<script>for (const one of document.querySelectorAll(".schedule")) (${stepThrough})(one);</script>`,
  ];
  return page(`slablab explore ${asked}`, body, TIMELINE_STYLE + WIDE);
}

function answer(parts: readonly SearchedPart[], failed: readonly SearchedPart[]): string {
  const [first] = failed;
  if (first?.failure !== undefined) {
    return verdict("missed", `${first.name} fails: ${first.failure.class}`);
  }
  const bounds = parts.map(({ complete }) => complete?.preemptions ?? -1);
  const least = Math.min(...bounds);
  if (least < 0) return verdict("unsure", "not complete: nothing is proven");
  return verdict("met", `${boundText(least)} passes`);
}

function row(part: SearchedPart): string[] {
  const { name, schedules, complete, conflicts, ordersDiffer, failure } = part;
  const bound = complete === undefined ? "–" : completeTo(complete);
  const said =
    failure !== undefined
      ? verdict("missed", failure.class)
      : complete === undefined
        ? verdict("unsure", schedules === 0 ? "not searched" : "nothing is proven")
        : ordersDiffer
          ? verdict("met", "passes")
          : verdict("unsure", "nothing could fail");
  return [html(name), count(schedules), bound, count(conflicts), said];
}

const completeTo = ({ preemptions }: Complete): string =>
  preemptions === ANY_NUMBER ? "no bound" : String(preemptions);

function failureSection({ name, failure, shown }: SearchedPart): string {
  if (failure === undefined) return "";
  const { preemptions, steps, message } = failure;
  const many = `${preemptions} preemption${preemptions === 1 ? "" : "s"}, ${count(steps)} steps`;
  const head = `<h2>${html(`${name}: ${failure.class}`)}</h2><p>${html(message)} (${many})</p>`;
  if (shown === undefined) return head;
  const { telling, replayed, again } = shown;
  return `${head}<pre>${html(again)}</pre>${timelineHtml(telling, replayed)}`;
}
