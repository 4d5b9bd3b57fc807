// SPDX-License-Identifier: MIT
/**
 * A schedule as text: one column a CPU, time downwards. Stretches in which nothing matters are one
 * line; accesses whose order matters carry the line number of their counterpart.
 */
import type { Failure } from "./replay.ts";
import { fold, type TimelineEvent, type TimelineRow } from "./timeline.ts";

/** What a line tells, so that a terminal can give it a colour. */
export type Tone = "aside" | "failure" | "order" | "plain";

export interface TimelineLine {
  readonly text: string;
  readonly tone: Tone;
}

const WIDEST_COLUMN = 72;
const NARROWEST_COLUMN = 24;

/** The message of a failure, how to replay it, and its timeline. */
export function failureText({ class: kind, message, token, timeline }: Failure): string {
  const lines = timelineLines(timeline, false).map(({ text }) => text);
  const replays = token === undefined ? [] : [`token: ${token}`];
  return [`${kind}: ${message}`, ...replays, "", ...lines].join("\n");
}

/** `isVerbose`: every access. */
export function timelineLines(
  events: readonly TimelineEvent[],
  isVerbose: boolean,
): readonly TimelineLine[] {
  const rows: readonly TimelineRow[] = isVerbose
    ? events.map((event) => ({ event }))
    : fold(events);
  const cpus = Math.max(0, ...events.map(({ cpu }) => cpu)) + 1;
  const lines = rows.map((row, at) => ({ at: at + 1, row, ...cellOf(row, events, rows) }));
  const widths = Array.from({ length: cpus }, (_, cpu) => {
    const own = lines.filter((line) => line.cpu === cpu).map(({ text }) => text.length);
    return Math.min(WIDEST_COLUMN, Math.max(NARROWEST_COLUMN, ...own));
  });
  const head = widths.map((width, cpu) => `CPU ${cpu}`.padEnd(width)).join(" | ");
  const body = lines.map(({ at, row, cpu, text }) => {
    const cells = widths.map((width, column) =>
      (column === cpu ? cut(text, width) : "").padEnd(width),
    );
    return {
      text: `${String(at).padStart(5)} | ${cells.join(" | ")}`.trimEnd(),
      tone: toneOf(row),
    };
  });
  return [{ text: `      | ${head}`.trimEnd(), tone: "aside" }, ...body];
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`;
}

function toneOf(row: TimelineRow): Tone {
  if (!("event" in row)) return "aside";
  if (row.event.what === "fails") return "failure";
  return row.event.matters === undefined ? "plain" : "order";
}

function cellOf(
  row: TimelineRow,
  events: readonly TimelineEvent[],
  rows: readonly TimelineRow[],
): { cpu: number; text: string } {
  if (!("event" in row)) return { cpu: row.cpu, text: `  … ${row.folded} more accesses` };
  const { event } = row;
  return { cpu: event.cpu, text: textOf(event, events, rows) };
}

function textOf(
  event: TimelineEvent,
  events: readonly TimelineEvent[],
  rows: readonly TimelineRow[],
): string {
  const { what, contextName, operation, text, access } = event;
  if (what === "begins") return `${contextName}: ${operation}`;
  if (what === "goes on") return `${contextName} goes on: ${operation}`;
  if (what === "waits") return `  waits for ${text}`;
  if (what === "drains") return `  all see ${text}`;
  if (what === "ends") return `  done${text === "" ? "" : `: ${text}`}`;
  if (what === "fails") return `!!! ${text}`;
  const where = access?.stack[0]?.function ?? "";
  return `  ${text}${where === "" ? "" : `  ${where}`}${counterpart(event, events, rows)}`;
}

/** `  <-> line 12` where the order of two accesses matters and both are shown. */
function counterpart(
  { matters }: TimelineEvent,
  events: readonly TimelineEvent[],
  rows: readonly TimelineRow[],
): string {
  if (matters === undefined) return "";
  const other = events[matters];
  const line = rows.findIndex((row) => "event" in row && row.event === other);
  return line < 0 ? "  <->" : `  <-> line ${line + 1}`;
}
