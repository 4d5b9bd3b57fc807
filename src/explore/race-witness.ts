// SPDX-License-Identifier: MIT
/**
 * A race detector that can tell which two events of a recorded run raced. For each context and word
 * it keeps the last event of each sort (read or write, plain or marked), since only some conflict.
 */
import type { Address } from "../machine/memory.ts";
import type { Context } from "./context.ts";
import type { ExploredMemory } from "./explored-memory.ts";
import * as k from "./kinds.ts";
import { RaceDetector, type WordAccess } from "./races.ts";
import type { TimelineEvent } from "./timeline.ts";

interface Touch {
  readonly event: TimelineEvent;
  readonly writes: boolean;
  readonly isPlain: boolean;
}

export class RaceWitness extends RaceDetector {
  private readonly events: readonly TimelineEvent[];
  private readonly touches = new Map<string, Touch[]>();
  private last: Touch | undefined;

  /** `events` grows as the run is recorded, each event before the detector hears of it. */
  constructor(
    contexts: readonly Context[],
    memory: ExploredMemory,
    events: readonly TimelineEvent[],
  ) {
    super(contexts, memory);
    this.events = events;
  }

  protected override one(context: Context, access: WordAccess, word: Address): void {
    const { kind, writes } = access;
    const touch = { event: this.events.at(-1) as TimelineEvent, writes, isPlain: k.isPlain(kind) };
    this.last = touch;
    super.one(context, access, word);
    const key = keyOf(context.id, word);
    const others = (this.touches.get(key) ?? []).filter(
      ({ writes, isPlain }) => writes !== touch.writes || isPlain !== touch.isPlain,
    );
    this.touches.set(key, [...others, touch]);
  }

  /** The earlier access of the race and the later one; undefined where there was none. */
  accesses(): readonly [TimelineEvent, TimelineEvent] | undefined {
    const { race, last } = this;
    if (race === undefined || last === undefined) return undefined;
    const first = this.touches
      .get(keyOf(race.first, race.address))
      ?.findLast((one) => (one.writes || last.writes) && (one.isPlain || last.isPlain));
    return first && [first.event, last.event];
  }
}

const keyOf = (context: number, word: Address): string => `${context} ${word}`;
