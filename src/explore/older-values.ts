// SPDX-License-Identifier: MIT
/**
 * Loads that may return older values: as if the CPU had done them early. A load may return any value
 * that its word had at some moment since
 *
 * - the last full barrier of its CPU, or the turn of that CPU from one context to another;
 * - the store that the last acquire load has seen;
 * - what this CPU has read of the word, or written to it (coherence);
 * - the moment at which the CPU can have known the address, which it does not have from a value read
 *   later (an address dependency).
 *
 * Nobody tells where an address comes from. So the structure that it lies in counts: all that was read
 * before the first access to a structure may have led there, and so may a value that points into it.
 * Too few values are old because of that, rather than too many. Without structures every address is
 * known from the start.
 */
import type { Address } from "../machine/memory.ts";
import { mixHigh, mixLow } from "./journal.ts";

/** A value of a word, the step at which it became visible, and the CPU that stored it. */
interface Version {
  readonly value: number;
  readonly since: number;
  readonly cpu: number;
}

/** What a CPU can no longer unsee. */
interface Seen {
  /** Loads come after this step. */
  floor: number;
  /** The latest step at which another CPU stored what this one has read. */
  newest: number;
  /** By word, the oldest version that is not older than what was read or written. */
  readonly versions: Map<Address, number>;
  /** By structure, the step after which loads from it come. */
  readonly reached: Map<number, number>;
}

export class OlderValues {
  private readonly now: () => number;
  /** By word that was stored to in this schedule, the oldest first. */
  private readonly words = new Map<Address, Version[]>();
  private readonly cpus: readonly Seen[];
  private structureOf: ((address: Address) => number) | undefined;
  /** When the value that was read last became visible. */
  private lastRead = 0;

  /** `now`: the step of the schedule. */
  constructor(cpus: number, now: () => number) {
    this.now = now;
    this.cpus = Array.from({ length: cpus }, () => ({
      floor: -1,
      newest: -1,
      versions: new Map(),
      reached: new Map(),
    }));
  }

  /** `structureOf`: a number for the structure that an address, or a pointer, leads into. */
  dependOn(structureOf: (address: Address) => number): void {
    this.structureOf = structureOf;
  }

  reset(): void {
    this.words.clear();
    for (const seen of this.cpus) {
      seen.floor = -1;
      seen.newest = -1;
      seen.versions.clear();
      seen.reached.clear();
    }
  }

  private seenBy(cpu: number): Seen {
    return this.cpus[cpu] as Seen;
  }

  /** A store of `cpu` to the word is visible from now on; before, it was `before`. */
  stored(cpu: number, word: Address, before: number, value: number): void {
    const versions = this.words.get(word) ?? [{ value: before, since: -1, cpu: -1 }];
    this.words.set(word, versions);
    if (before !== value) versions.push({ value, since: this.now(), cpu });
    this.seenBy(cpu).versions.set(word, versions.length - 1);
  }

  /** Index of the oldest version that a load may return. */
  private oldest(cpu: number, word: Address, versions: readonly Version[], limit: number): number {
    const lowest = this.seenBy(cpu).versions.get(word) ?? 0;
    let at = versions.length - 1;
    while (at > lowest && (versions[at] as Version).since > limit) at--;
    return at;
  }

  /** The step after which a load from the word comes, by what is known of its address. */
  private limit(cpu: number, word: Address): number {
    const { floor, newest, reached } = this.seenBy(cpu);
    if (this.structureOf === undefined) return floor;
    return Math.max(floor, reached.get(this.structureOf(word)) ?? newest);
  }

  /** The older values that a load may return, all different, the newest first. */
  private olderOf(cpu: number, word: Address): number[] {
    const versions = this.words.get(word) ?? [];
    if (versions.length < 2) return [];
    const oldest = this.oldest(cpu, word, versions, this.limit(cpu, word));
    const values = versions.slice(oldest).map(({ value }) => value);
    const now = values.pop();
    return [...new Set(values.reverse())].filter((value) => value !== now);
  }

  /** How many there are. */
  count(cpu: number, word: Address): number {
    return this.olderOf(cpu, word).length;
  }

  /** `cpu` loads the word, whose value is `current`; `way` 0: that one, else older value number `way`. */
  read(cpu: number, word: Address, current: number, way: number): number {
    const seen = this.seenBy(cpu);
    // The choice was counted where the task was; one that goes on elsewhere may have fewer.
    const older = way === 0 ? undefined : this.olderOf(cpu, word)[way - 1];
    const value = older ?? current;
    const limit = this.limit(cpu, word);
    const structure = this.structureOf?.(word);
    if (structure !== undefined && !seen.reached.has(structure)) {
      seen.reached.set(structure, seen.newest);
    }
    const versions = this.words.get(word);
    this.lastRead = -1;
    if (versions === undefined) return value;
    // Of equal values the oldest: no later load can tell that it was not.
    let at = this.oldest(cpu, word, versions, limit);
    while ((versions[at] as Version).value !== value) at++;
    seen.versions.set(word, at);
    const { since, cpu: writer } = versions[at] as Version;
    this.lastRead = since;
    if (writer !== cpu) this.learn(seen, value, since);
    return value;
  }

  /** What was read may be the address of a structure. */
  private learn(seen: Seen, value: number, since: number): void {
    seen.newest = Math.max(seen.newest, since);
    if (this.structureOf === undefined) return;
    const structure = this.structureOf(value);
    const reached = seen.reached.get(structure);
    if (reached !== undefined) seen.reached.set(structure, Math.max(reached, since));
  }

  /** The last load was an acquire: later ones come after the store that it has seen. */
  acquired(cpu: number): void {
    const seen = this.seenBy(cpu);
    seen.floor = Math.max(seen.floor, this.lastRead);
  }

  /** A full barrier of `cpu`. */
  barrier(cpu: number): void {
    const seen = this.seenBy(cpu);
    seen.floor = this.now();
    seen.versions.clear();
  }

  /** An operation begins: it knows of no address yet. */
  begins(cpu: number): void {
    this.seenBy(cpu).reached.clear();
  }

  /** Two hashes of what loads may return from now on; of steps only their order counts. */
  hash(): readonly [number, number] {
    const words = [...this.words].map(([word, versions]) => ({
      word,
      versions,
      from: Math.min(...this.cpus.map(({ floor }, cpu) => this.oldest(cpu, word, versions, floor))),
    }));
    const open = words.filter(({ versions, from }) => from < versions.length - 1);
    if (open.length === 0) return [0, 0];
    const steps = open.flatMap(({ versions, from }) =>
      versions.slice(from + 1).map(({ since }) => since),
    );
    const rank = (step: number): number => new Set(steps.filter((one) => one <= step)).size;
    let low = 0;
    let high = 0;
    const mix = (what: number, value: number): void => {
      low = mixLow(low ^ what, value);
      high = mixHigh(high ^ what, value);
    };
    for (const { word, versions, from } of open.sort((a, b) => a.word - b.word)) {
      mix(word, versions.length - from);
      for (const { value, since, cpu } of versions.slice(from))
        mix((cpu << 16) ^ rank(since), value);
      this.cpus.forEach(({ versions: own }, cpu) => {
        mix(cpu, Math.max((own.get(word) ?? 0) - from, 0));
      });
    }
    for (const { floor, newest, reached } of this.cpus) {
      mix(rank(floor), rank(newest));
      const late = [...reached].filter(([, step]) => rank(step) > 0);
      for (const [structure, step] of late.sort(([a], [b]) => a - b)) mix(structure, rank(step));
    }
    return [low, high];
  }
}
