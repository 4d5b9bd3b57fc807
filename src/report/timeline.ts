// SPDX-License-Identifier: GPL-2.0-only
/** A schedule as text for a terminal. */
import type { TimelineEvent } from "../explore/timeline.ts";
import { timelineLines } from "../explore/timeline-text.ts";
import { type Style, styled } from "./text.ts";

const STYLES: Readonly<Record<string, Style>> = {
  aside: "dim",
  failure: ["bold", "red"],
  order: "yellow",
};

/** `isVerbose`: every access. */
export function timelineText(events: readonly TimelineEvent[], isVerbose: boolean): string {
  return timelineLines(events, isVerbose)
    .map(({ text, tone }) => {
      const style = STYLES[tone];
      return `${style === undefined ? text : styled(style, text)}\n`;
    })
    .join("");
}
