// SPDX-License-Identifier: GPL-2.0-only
/**
 * A schedule as one picture: a column a context, accesses whose order matters in full with arrows
 * between them, the calls between in a line, and what the slabs look like at the end of each turn.
 */
import type { Replayed } from "../../explore/replay.ts";
import type { TimelineEvent } from "../../explore/timeline.ts";
import type { Snapshot } from "../../laboratory/snapshot.ts";
import { html } from "../html.ts";
import { columnsOf } from "./columns.ts";
import { type Conflict, conflictsOf } from "./conflicts.ts";
import type { Telling } from "./html.ts";
import { drawMachine } from "./machine.ts";
import { outlineOf } from "./outline.ts";
import { DRAWING_STYLE, PICTURE_COLOURS } from "./style.ts";

const MARGIN = 12;
const STEP = 44;
const COLUMN = 300;
const LINE = 15;
const ROW_GAP = 6;
const LETTERS = 43;
const MACHINE = 350;
const HEAD = 62;

const ARROWS: Readonly<Record<Conflict["kind"], string>> = {
  "reads what was written": "read",
  "overwrites what was read": "anti",
  "overwrites a write": "over",
};

interface Row {
  readonly column: number;
  /** Its last event. */
  readonly at: number;
  readonly kind: "mark" | "key" | "calls" | "fails";
  readonly lines: readonly string[];
}

export function timelineSvg({ title }: Pick<Telling, "title">, replayed: Replayed): string {
  const { timeline } = replayed;
  const columns = columnsOf(timeline);
  const conflicts = conflictsOf(timeline);
  const rows = rowsOf(timeline, conflicts);
  const right = MARGIN + STEP + columns.length * COLUMN;
  const ends = new Map<number, { y: number; column: number }>();
  const drawn: string[] = [];
  let y = HEAD;
  const turns: { y: number; at: number }[] = [];
  rows.forEach((row, index) => {
    const { column, at, kind, lines } = row;
    const height = lines.length * LINE + ROW_GAP;
    const x = MARGIN + STEP + column * COLUMN;
    if (rows[index - 1]?.column !== column) turns.push({ y, at });
    turns.push({ y: (turns.pop() as { y: number }).y, at });
    drawn.push(
      `<rect class="said" x="${x}" y="${y}" width="${COLUMN - 4}" height="${height}"/>`,
      `<rect class="stripe s${column % 6}" x="${x}" y="${y}" width="3" height="${height}"/>`,
      `<text class="step" x="${x - 6 - column * COLUMN}" y="${y + LINE - 1}">${at + 1}</text>`,
      ...lines.map(
        (line, each) =>
          `<text class="${kind}" x="${x + 10}" y="${y + LINE * (each + 1) - 1}">${html(line)}</text>`,
      ),
    );
    ends.set(at, { y: y + LINE - 5, column });
    y += height;
  });
  const arrows = conflicts.flatMap((conflict) => {
    const [from, to] = [ends.get(conflict.from), ends.get(conflict.to)];
    return from === undefined || to === undefined ? [] : [orderArrow(from, to, conflict.kind)];
  });
  const machines = machinesOf(timeline, turns, right + 10);
  const width = right + 10 + MACHINE + MARGIN;
  const height = Math.max(y, machines.bottom) + 34;
  const heads = columns.map(({ name, kind }, at) => {
    const x = MARGIN + STEP + at * COLUMN;
    return (
      `<rect class="stripe s${at % 6}" x="${x}" y="32" width="${COLUMN - 4}" height="3"/>` +
      `<text class="name" x="${x + 8}" y="51">${html(name)} <tspan class="calls">${html(kind)}</tspan></text>`
    );
  });
  const legend = Object.entries(ARROWS).map(([what, kind], at) => {
    const x = MARGIN + STEP + at * 230;
    return `<path class="${kind}" d="M${x} ${height - 14}h26"/><text class="calls" x="${x + 32}" y="${height - 10}">${what}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">
<title>${html(title)}</title>
<style>
${PICTURE_COLOURS}
${DRAWING_STYLE}
svg { background: var(--paper); }
text { font: 11px ui-monospace, "SFMono-Regular", Menlo, Consolas, monospace; fill: var(--ink); }
.heading { font: 700 15px system-ui, sans-serif; }
.name, .mark { font-weight: 700; }
.key { font-weight: 700; }
.calls { fill: var(--soft); font-weight: 400; }
.fails { fill: var(--lost); font-weight: 700; }
.step { fill: var(--soft); text-anchor: end; }
.said { fill: var(--panel); }
${[0, 1, 2, 3, 4, 5].map((at) => `.s${at} { fill: var(--c${at}); }`).join(" ")}
</style>
<rect width="${width}" height="${height}" fill="var(--paper)"/>
<text class="heading" x="${MARGIN}" y="22">${html(title)}</text>
${[...heads, ...drawn, ...arrows, machines.svg, ...legend].join("\n")}
</svg>
`;
}

/** Calls that follow each other are one row: where the events go on is all that it tells. */
function rowsOf(timeline: readonly TimelineEvent[], conflicts: readonly Conflict[]): Row[] {
  const keys = new Set(conflicts.flatMap(({ from, to }) => [from, to]));
  const columns = columnsOf(timeline).map(({ context }) => context);
  const rows: Row[] = [];
  let calls: { names: Set<string>; at: number } | undefined;
  const columnAt = (at: number): number => columns.indexOf(timeline[at]?.context ?? 0);
  const flush = (): void => {
    if (calls === undefined) return;
    const { names, at } = calls;
    const lines = wrapped([...names].join(", "));
    rows.push({ column: columnAt(at), at, kind: "calls", lines });
    calls = undefined;
  };
  for (const row of outlineOf(timeline, keys)) {
    const at = "at" in row ? row.at : (row.call.accesses.at(-1) as number);
    const event = timeline[at] as TimelineEvent;
    const [frame] = event.access?.stack ?? [];
    const name = "at" in row ? frame?.function : row.call.function;
    const file = "at" in row ? frame?.file : row.call.file;
    if (event.access !== undefined && !keys.has(at)) {
      if (/(^|\/)(check|laboratory)\//.test(file ?? "")) continue;
      calls ??= { names: new Set(), at };
      calls = { names: calls.names.add(name?.replace(/.*\./, "") ?? event.text), at };
      continue;
    }
    flush();
    const kind = event.what === "fails" ? "fails" : event.access === undefined ? "mark" : "key";
    rows.push({ column: columnAt(at), at, kind, lines: wrapped(said(event)) });
  }
  flush();
  return rows;
}

function said({ what, text, operation }: TimelineEvent): string {
  if (what === "begins") return operation;
  if (what === "waits") return `waits for ${text}`;
  if (what === "drains") return `all see ${text}`;
  if (what === "ends") return `done${text === "" ? "" : `: ${text}`}`;
  if (what === "goes on") return what;
  return text;
}

/** In lines of at most LETTERS letters, broken between words. */
function wrapped(text: string): string[] {
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines.at(-1) as string;
    if (line !== "" && line.length + 1 + word.length > LETTERS) lines.push(word);
    else lines[lines.length - 1] = line === "" ? word : `${line} ${word}`;
  }
  return lines;
}

type End = { readonly y: number; readonly column: number };

/** Between neighbouring edges of two columns. */
function orderArrow(from: End, to: End, kind: Conflict["kind"]): string {
  const isRight = to.column > from.column;
  const edge = ({ column }: End, atRight: boolean): number =>
    MARGIN + STEP + column * COLUMN + (atRight ? COLUMN - 8 : 2);
  const [x1, x2] = [edge(from, isRight), edge(to, !isRight)];
  const bend = isRight ? 34 : -34;
  const tip = isRight ? -7 : 7;
  const name = ARROWS[kind];
  return (
    `<path class="${name}" d="M${x1} ${from.y}C${x1 + bend} ${from.y} ${x2 - bend} ${to.y} ${x2} ${to.y}"/>` +
    `<path class="tip ${name}" d="M${x2} ${to.y}l${tip} -4v8Z"/>`
  );
}

/** What the machine looks like when each turn has ended, beside it, as far as there is room. */
function machinesOf(
  timeline: readonly TimelineEvent[],
  turns: readonly { readonly y: number; readonly at: number }[],
  left: number,
): { svg: string; bottom: number } {
  let bottom = HEAD - 18;
  let before: Snapshot | undefined;
  const parts: string[] = [];
  for (const { y, at } of turns) {
    const state = timeline[at]?.state as Snapshot | undefined;
    if (state === undefined || JSON.stringify(state) === JSON.stringify(before)) continue;
    const { svg, width, height } = drawMachine(state, before);
    before = state;
    const scale = Math.min(0.7, MACHINE / width);
    const top = Math.max(y, bottom);
    parts.push(
      `<text class="calls" x="${left}" y="${top + 10}">after step ${at + 1}</text>`,
      `<g class="machine" transform="translate(${left} ${top + 16}) scale(${Math.round(scale * 1000) / 1000})">${svg}</g>`,
    );
    bottom = top + 16 + Math.ceil(height * scale) + 14;
  }
  return { svg: parts.join("\n"), bottom };
}
