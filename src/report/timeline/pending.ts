// SPDX-License-Identifier: GPL-2.0-only
import type { TimelineEvent } from "../../explore/timeline.ts";

/** The store to the word `name` at event `at` waits in its CPU's buffer: a later drain shows it. */
export function isPending(events: readonly TimelineEvent[], at: number, name: string): boolean {
  const cpu = events[at]?.cpu;
  return events
    .slice(at + 1)
    .some((event) => event.what === "drains" && event.text === name && event.cpu === cpu);
}
