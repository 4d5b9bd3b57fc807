// SPDX-License-Identifier: GPL-2.0-only
/**
 * Which accesses of a timeline are in an order that matters: pairs on one word by operations of two
 * contexts that overlap, at least one a write, with no access between that would come between them in
 * any order. These are the arrows of the picture.
 */
import type { TimelineEvent } from "../../explore/timeline.ts";

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
  const histories = new Map<number, History>();
  const found: Conflict[] = [];
  const overlap = (from: number, to: number): boolean =>
    (operations[from] as Operation).ends > (operations[to] as Operation).begins;
  const contextAt = (at: number): number => (events[at] as TimelineEvent).context;

  events.forEach(({ context, access }, to) => {
    for (const { address, name, isWritten } of access?.words ?? []) {
      // The checker's own words order nothing.
      if (name === "ledger") continue;
      const word = address & ~3;
      const history = histories.get(word) ?? { write: undefined, reads: new Map() };
      histories.set(word, history);
      const { write, reads } = history;
      const others = [...reads].filter(([reader]) => reader !== context).map(([, at]) => at);
      const isSeen = write === undefined || contextAt(write) === context || reads.has(context);
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
        reads.set(context, to);
      }
      for (const pair of pairs) {
        if (overlap(pair.from, to)) found.push({ ...pair, to, word: name });
      }
    }
  });
  return found;
}
