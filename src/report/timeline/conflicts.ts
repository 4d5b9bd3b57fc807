// SPDX-License-Identifier: GPL-2.0-only
/**
 * Which accesses of a timeline are in an order that matters: pairs on one word by operations of two
 * contexts that overlap, at least one a write, with no access between that would come between them in
 * any order. These are the arrows of the picture. A store that waits in a buffer is a write of its CPU
 * at the moment when all see it.
 */
import type { TimelineEvent, WordSeen } from "../../explore/timeline.ts";
import { isPending } from "./pending.ts";

/** Two accesses, as indices into the timeline; the first came first. */
export interface Conflict {
  readonly from: number;
  readonly to: number;
  readonly kind: "reads what was written" | "overwrites what was read" | "overwrites a write";
  readonly word: string;
}

interface Operation {
  readonly begins: number;
  ends: number;
}

/** Of each event, the operation it belongs to. */
function operationsOf(events: readonly TimelineEvent[]): Operation[] {
  const running = new Map<number, Operation>();
  return events.map(({ context, what }, at) => {
    if (what === "begins") running.set(context, { begins: at, ends: Number.POSITIVE_INFINITY });
    const operation = running.get(context) ?? { begins: 0, ends: Number.POSITIVE_INFINITY };
    if (what === "ends") operation.ends = at;
    return operation;
  });
}

/** What is known of a word so far: its last write, and who has read it since, by context. */
interface History {
  write: number | undefined;
  readonly reads: Map<number, number>;
}

/** In the order of their later access. */
export function conflictsOf(events: readonly TimelineEvent[]): Conflict[] {
  const operations = operationsOf(events);
  const histories = new Map<string, History>();
  const found: Conflict[] = [];
  const at = (index: number): TimelineEvent => events[index] as TimelineEvent;

  /** What a CPU's buffer shows is the work of the contexts of that CPU. */
  const isOwn = (one: TimelineEvent, other: TimelineEvent): boolean =>
    one.what === "drains" || other.what === "drains"
      ? one.cpu === other.cpu
      : one.context === other.context;
  const overlap = (from: number, to: number): boolean =>
    at(from).what === "drains" ||
    at(to).what === "drains" ||
    (operations[from] as Operation).ends > (operations[to] as Operation).begins;

  events.forEach((event, to) => {
    for (const { name, isWritten } of visibleIn(events, to)) {
      // The checker's own words order nothing.
      if (name === "ledger") continue;
      const history = histories.get(name) ?? { write: undefined, reads: new Map() };
      histories.set(name, history);
      const { write, reads } = history;
      const others = [...reads.values()].filter((from) => !isOwn(at(from), event));
      const isSeen = write === undefined || isOwn(at(write), event) || reads.has(event.context);
      const pairs: Omit<Conflict, "to" | "word">[] = [];
      if (isWritten) {
        for (const from of others) pairs.push({ from, kind: "overwrites what was read" });
        if (!isSeen && others.length === 0) {
          pairs.push({ from: write as number, kind: "overwrites a write" });
        }
        history.write = to;
        reads.clear();
      } else {
        if (!isSeen) pairs.push({ from: write as number, kind: "reads what was written" });
        reads.set(event.context, to);
      }
      for (const pair of pairs) {
        if (overlap(pair.from, to)) found.push({ ...pair, to, word: name });
      }
    }
  });
  return found;
}

/** The words that an event reads or, for all to see, writes. */
function visibleIn(
  events: readonly TimelineEvent[],
  at: number,
): readonly Pick<WordSeen, "name" | "isWritten">[] {
  const { what, text, access } = events[at] as TimelineEvent;
  if (what === "drains") return [{ name: text, isWritten: true }];
  const words = access?.words ?? [];
  return words.filter(({ name, isWritten }) => !isWritten || !isPending(events, at, name));
}
