// SPDX-License-Identifier: GPL-2.0-only
/**
 * The words of a timeline, and what each event makes known of them. Where stores wait in buffers, a
 * word is pending from its write until the drain that shows it to all.
 */
import type { TimelineEvent } from "../../explore/timeline.ts";
import { isPending } from "./pending.ts";

export interface WordChange {
  /** Index into `names`. */
  readonly word: number;
  readonly value: string;
  readonly isPending: boolean;
}

export interface Words {
  readonly names: readonly string[];
  /** By event. */
  readonly changes: readonly (readonly WordChange[])[];
}

/** More words than this are too many to show: then only those that contexts share. */
const FEW = 12;

export function wordsOf(events: readonly TimelineEvent[]): Words {
  const users = new Map<string, Set<number>>();
  const written = new Set<string>();
  for (const { context, access } of events) {
    for (const { name, isWritten } of access?.words ?? []) {
      if (name === "ledger") continue;
      users.set(name, (users.get(name) ?? new Set()).add(context));
      if (isWritten) written.add(name);
    }
  }
  const all = [...users.keys()].filter((name) => written.has(name));
  const shared = all.filter((name) => (users.get(name)?.size ?? 0) > 1);
  const names = (all.length <= FEW ? all : shared).toSorted();
  const numbers = new Map(names.map((name, at) => [name, at]));
  const values = new Map<number, string>();
  const changes = events.map((event, at) =>
    seenBy(event).flatMap(({ name, value, isWritten }): WordChange[] => {
      const word = numbers.get(name);
      const after = value ?? (word === undefined ? undefined : values.get(word));
      if (word === undefined || after === undefined) return [];
      values.set(word, after);
      return [{ word, value: after, isPending: isWritten && isPending(events, at, name) }];
    }),
  );
  return { names, changes };
}

function seenBy({ what, text, access }: TimelineEvent) {
  if (what === "drains") return [{ name: text, value: undefined, isWritten: false }];
  return access?.words ?? [];
}
