// SPDX-License-Identifier: GPL-2.0-only
/** The columns of a timeline: one a context, in the order in which the program names them. */
import type { TimelineEvent } from "../../explore/timeline.ts";

export interface Column {
  readonly context: number;
  readonly name: string;
  /** `task on CPU 0` */
  readonly kind: string;
}

const KINDS: Readonly<Record<TimelineEvent["contextKind"], string>> = {
  task: "task",
  interrupt: "interrupt",
  calls: "calls from other CPUs",
  softirq: "softirq",
  buffer: "stores that become visible",
};

export function columnsOf(events: readonly TimelineEvent[]): Column[] {
  const first = new Map<number, TimelineEvent>();
  for (const event of events) {
    if (!first.has(event.context)) first.set(event.context, event);
  }
  return [...first.values()]
    .toSorted((a, b) => a.context - b.context)
    .map(({ context, contextName, contextKind, cpu }) => ({
      context,
      name: contextName,
      kind: `${KINDS[contextKind]}, CPU ${cpu}`,
    }));
}
