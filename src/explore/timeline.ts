// SPDX-License-Identifier: MIT
/**
 * The timeline of one run, event by event, as data that others draw. It is recorded only while a
 * schedule is replayed, with stacks, names and drawn values; a search records nothing.
 */
import type { Address } from "../machine/memory.ts";
import type { Context, ContextKind } from "./context.ts";
import type { RunListener } from "./engine.ts";
import * as k from "./kinds.ts";
import type { Describer } from "./names.ts";
import type { Access, Observer } from "./observer.ts";
import { type Frame, framesHere } from "./stack.ts";
import type { Described } from "./world.ts";

export interface TimelineAccess {
  readonly kind: k.KindName;
  readonly address: Address;
  readonly name: string;
  /** The access in one line: `cpu 0: freelist = 0x5000`. */
  readonly text: string;
  readonly isWrite: boolean;
  /** The words that it touched, two for a swap of a pair; none for a range. */
  readonly words: readonly WordSeen[];
  readonly stack: readonly Frame[];
}

/** A word as an access leaves it. */
export interface WordSeen {
  readonly address: Address;
  readonly name: string;
  /** Its value, drawn; undefined where a failed swap of a pair does not tell. */
  readonly value?: string;
  readonly isWritten: boolean;
}

export type TimelineWhat =
  | "begins"
  | "goes on"
  | "accesses"
  | "waits"
  | "drains"
  | "ends"
  | "fails";

export interface TimelineEvent {
  /** Points passed in the run so far. */
  readonly step: number;
  readonly context: number;
  readonly contextName: string;
  readonly contextKind: ContextKind;
  readonly cpu: number;
  readonly operation: string;
  readonly what: TimelineWhat;
  /** The access, the word waited for, the result or the failure. */
  readonly text: string;
  readonly access?: TimelineAccess;
  /** The answer of the replay's `watch` right after it. */
  readonly state?: unknown;
  /** The other of the two accesses whose order matters, as an index into the timeline. */
  matters?: number;
}

/** Stacks are slow, and a livelock is long: only its end has them. */
const STEPS_WITH_STACKS = 300;

interface Operating {
  readonly begins: number;
  ends: number;
}

export class Recorder implements Observer, RunListener {
  readonly events: TimelineEvent[] = [];
  private readonly names: Describer;
  private readonly stepNow: () => number;
  private readonly watch: (() => unknown) | undefined;
  /** Of each event: the operation it belongs to. */
  private readonly operations: Operating[] = [];
  private readonly running = new Map<number, Operating>();
  private readonly stacksFrom: number;
  private hashState = 0x811c9dc5;

  /** `steps`: the expected length of the run. */
  constructor(
    names: Describer,
    stepNow: () => number,
    steps: number,
    watch: (() => unknown) | undefined,
  ) {
    this.watch = watch;
    this.names = names;
    this.stepNow = stepNow;
    this.stacksFrom = steps - STEPS_WITH_STACKS;
  }

  /** Hash of kind and field of all accesses: 8 hexadecimal digits (FNV-1a). */
  get hash(): string {
    return (this.hashState >>> 0).toString(16).padStart(8, "0");
  }

  /** A recorder is made for one run. */
  reset(): void {}

  private push(
    context: Context,
    what: TimelineWhat,
    text: string,
    access?: TimelineAccess,
    state: unknown = this.watch?.(),
  ): void {
    const event = {
      step: this.stepNow(),
      context: context.id,
      contextName: context.name,
      contextKind: context.kind,
      cpu: context.cpu,
      operation: context.operationName,
      what,
      text,
      ...(state === undefined ? {} : { state }),
    };
    const operation = this.running.get(context.id) ?? { begins: 0, ends: 0 };
    this.operations.push(operation);
    this.events.push(access === undefined ? event : { ...event, access });
  }

  began(context: Context): void {
    const begins = this.events.length;
    this.running.set(context.id, { begins, ends: Number.POSITIVE_INFINITY });
    this.push(context, "begins", context.operationName);
  }

  ended(context: Context, result: unknown): void {
    const operation = this.running.get(context.id);
    if (operation !== undefined) operation.ends = this.events.length;
    this.push(context, "ends", result === undefined ? "" : String(result));
  }

  waited(context: Context): void {
    this.push(context, "waits", this.names.describe(context.waitAddress).name);
  }

  drained(buffer: Context, address: Address): void {
    this.push(buffer, "drains", this.names.describe(address).name);
  }

  /** The run is over and its memory restored: the state seen last is the one in which it failed. */
  failed(context: Context, message: string): void {
    this.push(context, "fails", message, undefined, this.events.at(-1)?.state);
  }

  switched(context: Context, before: Context | undefined): void {
    if (context.running && before !== context) this.push(context, "goes on", "");
  }

  /** No event of its own: the operation has ended, or waits. */
  idle(): void {}

  accessed(context: Context, access: Access): void {
    const { kind, address } = access;
    const described = this.names.describe(address);
    const { name, field } = described;
    this.addToHash(`${k.kindName(kind)} ${k.isWithoutWord(kind) ? "" : field};`);
    const text = this.draw(described, access);
    this.push(context, "accesses", text, {
      kind: k.kindName(kind),
      address,
      name,
      text,
      isWrite: k.isWrite(kind),
      words: this.words(described, access),
      stack: this.stepNow() >= this.stacksFrom ? framesHere() : [],
    });
  }

  private addToHash(text: string): void {
    for (let i = 0; i < text.length; i++) {
      this.hashState = Math.imul(this.hashState ^ text.charCodeAt(i), 0x01000193);
    }
  }

  private words(described: Described, { kind, address, value, a, b }: Access): WordSeen[] {
    if (k.isWithoutWord(kind) || k.isRange(kind)) return [];
    const isWritten = k.isWrite(kind) && !k.hasFailed(kind, value, a);
    const seen = (at: Address, what: Described, after: number): WordSeen => {
      return { address: at, name: what.name, value: this.names.draw(what, after), isWritten };
    };
    if (k.hasTwoWords(kind)) {
      const second = this.names.describe(address + 4);
      if (isWritten) return [seen(address, described, a), seen(address + 4, second, b)];
      return [
        { address, name: described.name, isWritten },
        { address: address + 4, name: second.name, isWritten },
      ];
    }
    if (kind === k.CMPXCHG || kind === k.CPU_CMPXCHG) {
      return [seen(address, described, isWritten ? b : value)];
    }
    const isChange = kind === k.XCHG || kind === k.ADD || kind === k.UPDATE;
    return [seen(address, described, isChange ? a : value)];
  }

  private draw(described: Described, { kind, address, value, a, b }: Access): string {
    const { names } = this;
    const { name } = described;
    const of = (what: number, at = described): string => names.draw(at, what);
    if (kind === k.CMPXCHG || kind === k.CPU_CMPXCHG) {
      const outcome = k.hasFailed(kind, value, a) ? `FAILED, found ${of(value)}` : "stored";
      return `${name}: ${of(a)} => ${of(b)} ${outcome}`;
    }
    if (k.hasTwoWords(kind)) {
      const pair = `(${of(a)}, ${of(b, names.describe(address + 4))})`;
      return `${name} pair => ${pair} ${k.hasFailed(kind, value, a) ? "FAILED" : "stored"}`;
    }
    if (kind === k.XCHG || kind === k.ADD || kind === k.UPDATE)
      return `${name}: ${of(value)} => ${of(a)}`;
    if (kind === k.FILL) return `${name} and on: ${a} bytes = ${value}`;
    if (kind === k.COPY) return `${name} and on: ${a} bytes from ${names.describe(value).name}`;
    if (kind === k.CPU_PTR) return `this CPU's ${name}`;
    if (kind === k.KICK) return `kicks CPU by ${name}`;
    return k.isWrite(kind) ? `${name} = ${of(value)}` : `${name} -> ${of(value)}`;
  }

  /**
   * Marks each pair of accesses to one word by overlapping operations of two contexts, one right
   * after the other, where one of the two writes: in the opposite order the run would differ.
   */
  markWhatMatters(): void {
    const last = new Map<Address, number>();
    for (let at = 0; at < this.events.length; at++) {
      const access = this.events[at]?.access;
      if (access === undefined || access.kind === "thisCpuPtr") continue;
      const word = access.address & ~7;
      const before = last.get(word);
      last.set(word, at);
      if (before !== undefined) this.markPair(before, at);
    }
  }

  private markPair(first: number, second: number): void {
    const one = this.events[first] as TimelineEvent;
    const other = this.events[second] as TimelineEvent;
    if (one.context === other.context) return;
    if (one.access?.isWrite !== true && other.access?.isWrite !== true) return;
    const began = (this.operations[second] as Operating).begins;
    if ((this.operations[first] as Operating).ends <= began) return;
    one.matters = second;
    other.matters = first;
  }
}

/** A row of a timeline: an event, or a stretch of accesses of one context, left out. */
export type TimelineRow =
  | { readonly event: TimelineEvent }
  | { readonly folded: number; readonly context: number; readonly cpu: number };

/** Stretches shorter than this are shown. */
const SHORTEST_FOLD = 3;

/** The events without uninterrupted stretches in which nothing matters. */
export function fold(events: readonly TimelineEvent[]): TimelineRow[] {
  const rows: TimelineRow[] = [];
  let stretch: TimelineEvent[] = [];
  const flush = (): void => {
    const [first] = stretch;
    if (first !== undefined && stretch.length >= SHORTEST_FOLD) {
      rows.push({ folded: stretch.length, context: first.context, cpu: first.cpu });
    } else {
      rows.push(...stretch.map((event) => ({ event })));
    }
    stretch = [];
  };
  for (const event of events) {
    if (event.context !== stretch[0]?.context) flush();
    if (event.what === "accesses" && event.matters === undefined) {
      stretch.push(event);
    } else {
      flush();
      rows.push({ event });
    }
  }
  flush();
  return rows;
}
