// SPDX-License-Identifier: GPL-2.0-only
/**
 * A timeline as an outline: the accesses of a turn are folded into the calls of functions that made
 * them. A call that makes fewer than three accesses in a row is part of its caller. Accesses whose
 * order matters are rows of their own.
 */
import type { Frame } from "../../explore/stack.ts";
import type { TimelineEvent } from "../../explore/timeline.ts";

/** Two or more accesses in a row, made by one call or by what it calls in short. */
export interface Call {
  readonly function: string;
  readonly file: string;
  readonly firstLine: number;
  readonly lastLine: number;
  /** Indices into the timeline, in a row. */
  readonly accesses: readonly number[];
}

export type OutlineRow = { readonly at: number } | { readonly call: Call };

const SHORTEST_CALL = 3;

/** Of an access whose stack was not kept. */
const UNKNOWN: Frame = { function: "", file: "", line: 0 };

/** A stretch of accesses of one context, with nothing in between. */
type Stretch = readonly { readonly at: number; readonly frames: readonly Frame[] }[];

/** `keys`: the accesses whose order matters. */
export function outlineOf(
  events: readonly TimelineEvent[],
  keys: ReadonlySet<number>,
): OutlineRow[] {
  const rows: OutlineRow[] = [];
  let stretch: { at: number; frames: readonly Frame[] }[] = [];
  const flush = (): void => {
    rows.push(...callsOf(stretch, keys));
    stretch = [];
  };
  events.forEach(({ access, context }, at) => {
    const [first] = stretch;
    if (access === undefined || (first && events[first.at]?.context !== context)) flush();
    if (access === undefined) rows.push({ at });
    else stretch.push({ at, frames: access.stack.toReversed() });
  });
  flush();
  return rows;
}

function callsOf(stretch: Stretch, keys: ReadonlySet<number>): OutlineRow[] {
  const depths = stretch.map((_, at) => depthAt(stretch, at));
  const rows: OutlineRow[] = [];
  for (let from = 0; from < stretch.length; ) {
    const depth = depths[from] as number;
    const isKey = (at: number): boolean => keys.has(stretch[at]?.at ?? -1);
    const goesOn = (at: number): boolean =>
      depths[at] === depth && !isKey(at) && isOneCall(stretch, from, at, depth);
    let to = from + 1;
    while (to < stretch.length && !isKey(from) && goesOn(to)) to++;
    rows.push(...rowsOf(stretch.slice(from, to), depth));
    from = to;
  }
  return rows;
}

/** The innermost call around the access that makes enough of them in a row; -1: none does. */
function depthAt(stretch: Stretch, at: number): number {
  const { frames } = stretch[at] as Stretch[number];
  for (let depth = frames.length - 1; depth >= 0; depth--) {
    let [from, to] = [at, at];
    while (from > 0 && isOneCall(stretch, at, from - 1, depth)) from--;
    while (to < stretch.length - 1 && isOneCall(stretch, at, to + 1, depth)) to++;
    if (to - from + 1 >= SHORTEST_CALL) return depth;
  }
  return -1;
}

/** Both accesses are made within one call: the callers stand at the same lines. */
function isOneCall(stretch: Stretch, one: number, other: number, depth: number): boolean {
  const a = (stretch[one] as Stretch[number]).frames;
  const b = (stretch[other] as Stretch[number]).frames;
  if (depth < 0) return a.length === 0 && b.length === 0;
  return a.slice(0, depth + 1).every((frame, at) => {
    const twin = b[at];
    if (twin === undefined || twin.function !== frame.function || twin.file !== frame.file) {
      return false;
    }
    return at === depth || twin.line === frame.line;
  });
}

function rowsOf(stretch: Stretch, depth: number): OutlineRow[] {
  const accesses = stretch.map(({ at }) => at);
  const frames = stretch.map(({ frames }) => frames[depth]);
  const [frame] = frames;
  const isLong = accesses.length >= SHORTEST_CALL || frame !== undefined;
  if (!isLong || accesses.length === 1) return accesses.map((at) => ({ at }));
  const { function: name, file, line } = frame ?? UNKNOWN;
  const lines = frames.map((each) => each?.line ?? line);
  const [firstLine, lastLine] = [Math.min(...lines), Math.max(...lines)];
  return [{ call: { function: name, file, firstLine, lastLine, accesses } }];
}
