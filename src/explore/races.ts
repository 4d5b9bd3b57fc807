// SPDX-License-Identifier: MIT
/**
 * Data races by happens-before: Flanagan and Freund, "FastTrack: Efficient and Precise Dynamic Race
 * Detection", PLDI 2009. Each context has a vector clock; of each word the last accesses are kept as
 * epochs; two accesses that no chain of synchronisation orders race if one of them is plain and one
 * a write. Precise: a reported race can happen, even if the schedule at hand looks harmless.
 *
 * These order accesses: atomics and waits (acquire and release), a release with an acquire, READ_ONCE
 * with the accesses that depend on it, the switch from one context to another on one CPU, and the
 * release of a CPU's lease. Marked accesses do not race with each other; readRacy never races; a swap
 * that fails is a marked read. The words that a checker keeps behind the memory order nothing, since
 * the program would be the same without them.
 *
 * Deviation: reads are a vector from the start, not first an epoch, and marked and plain accesses are
 * kept apart.
 */
import { KernelBug } from "../machine/kernel-bug.ts";
import type { Address } from "../machine/memory.ts";
import type { Context } from "./context.ts";
import type { ExploredMemory } from "./explored-memory.ts";
import * as k from "./kinds.ts";
import type { Access, Observer } from "./observer.ts";

type Clock = number[];

/** The accesses of one word: by context, the time of its last one of each sort; 0: none. */
interface WordHistory {
  plainReads: Clock;
  plainWrites: Clock;
  markedReads: Clock;
  markedWrites: Clock;
  /** The clock that an acquire of this word joins. */
  released: Clock;
}

interface Sort {
  readonly isPlain: boolean;
  readonly writes: boolean;
}

export interface Race {
  readonly address: Address;
  /** The context of the earlier access, and of the later. */
  readonly first: number;
  readonly second: number;
}

/** An access as one of its words sees it. */
export interface WordAccess {
  readonly kind: number;
  /** Not by a swap that failed, nor where a copy reads. */
  readonly writes: boolean;
}

export class RaceDetector implements Observer {
  /** A clock of zeros: stands for every clock of a word until one is written. */
  private readonly never: Clock;
  private readonly contexts: readonly Context[];
  private readonly memory: ExploredMemory;
  private clocks: Clock[] = [];
  private words = new Map<Address, WordHistory>();
  /** By CPU: the clock that the next context on it joins. */
  private left: (Clock | undefined)[] = [];
  /** The running context and its CPU, from which it may be moved before it stops. */
  private running: { readonly id: number; readonly cpu: number } | undefined;
  /** The race that was found; a run ends with it. */
  race: Race | undefined;

  constructor(contexts: readonly Context[], memory: ExploredMemory) {
    this.never = contexts.map(() => 0);
    this.contexts = contexts;
    this.memory = memory;
    this.reset();
  }

  /** Before each schedule. */
  reset(): void {
    this.words.clear();
    this.race = undefined;
    this.left = [];
    this.running = undefined;
    this.clocks = this.never.map((_, id) => {
      const clock = this.never.slice();
      clock[id] = 1;
      return clock;
    });
  }

  /** A clock that may be written, in place of the one that stands for all. */
  private own(clock: Clock): Clock {
    return clock === this.never ? clock.slice() : clock;
  }

  /** A context happens after its predecessor on the same CPU. */
  switched({ id, cpu }: Context): void {
    this.stop();
    const { left } = this;
    if (left[cpu] !== undefined) join(this.clocks[id] as Clock, left[cpu]);
    this.running = { id, cpu };
  }

  idle(cpu: number, lease: Address): void {
    this.stop();
    const history = this.historyOf(lease);
    history.released = this.own(history.released);
    const { left } = this;
    if (left[cpu] !== undefined) join(history.released, left[cpu]);
  }

  /** The running context leaves its CPU: its later accesses, perhaps elsewhere, are not ordered by it. */
  private stop(): void {
    const { running } = this;
    if (running === undefined) return;
    this.left[running.cpu] = (this.clocks[running.id] as Clock).slice();
    this.tick(running.id);
    this.running = undefined;
  }

  private tick(id: number): void {
    const clock = this.clocks[id] as Clock;
    clock[id] = (clock[id] as number) + 1;
  }

  accessed(context: Context, { kind, address, value, a, b }: Access): void {
    if (k.isWithoutWord(kind) || kind === k.READ_RACY) return;
    if (address >= this.memory.layout.end) return;
    const word = address & ~3;
    if (kind === k.COPY) this.range(context, { kind, writes: false }, value & ~3, a);
    const access = { kind, writes: k.isWrite(kind) && !k.hasFailed(kind, value, a) };
    this.range(context, access, word, k.bytesOf(kind, a, b));
  }

  private range(context: Context, access: WordAccess, from: Address, bytes: number): void {
    for (let word = from; word < from + bytes; word += 4) this.one(context, access, word);
  }

  /** One word of an access. */
  protected one(context: Context, { kind, writes }: WordAccess, word: Address): void {
    const { id } = context;
    const clock = this.clocks[id] as Clock;
    const history = this.historyOf(word);
    if (k.acquires(kind)) join(clock, history.released);
    const isPlain = k.isPlain(kind);
    this.check(history.plainWrites, context, word, kind);
    if (writes) this.check(history.plainReads, context, word, kind);
    if (isPlain) this.check(history.markedWrites, context, word, kind);
    if (isPlain && writes) this.check(history.markedReads, context, word, kind);
    const now = clock[id] as number;
    const sort = sortOf({ isPlain, writes });
    const times = this.own(history[sort]);
    times[id] = now;
    history[sort] = times;
    if (writes && k.releases(kind)) {
      history.released = this.own(history.released);
      join(history.released, clock);
      this.tick(id);
    }
  }

  private historyOf(word: Address): WordHistory {
    let history = this.words.get(word);
    if (history === undefined) {
      const { never } = this;
      history = {
        plainReads: never,
        plainWrites: never,
        markedReads: never,
        markedWrites: never,
        released: never,
      };
      this.words.set(word, history);
    }
    return history;
  }

  /** All times in `earlier` must have happened before the present access. */
  private check(earlier: Clock, context: Context, word: Address, kind: number): void {
    if (earlier === this.never) return;
    const clock = this.clocks[context.id] as Clock;
    for (let other = 0; other < earlier.length; other++) {
      if ((earlier[other] as number) <= (clock[other] as number)) continue;
      this.race = { address: word, first: other, second: context.id };
      throw new KernelBug(
        "data-race",
        `data-race on ${this.memory.nameOf(word)}: ${k.kindName(kind)} by ` +
          `${context.operationName} of ${context.name} is not ordered with an earlier access by ` +
          `${this.contexts[other]?.name}`,
      );
    }
  }
}

function sortOf({ isPlain, writes }: Sort): Exclude<keyof WordHistory, "released"> {
  if (isPlain) return writes ? "plainWrites" : "plainReads";
  return writes ? "markedWrites" : "markedReads";
}

function join(into: Clock, from: Clock): void {
  for (let i = 0; i < from.length; i++) {
    if ((from[i] as number) > (into[i] as number)) into[i] = from[i] as number;
  }
}
