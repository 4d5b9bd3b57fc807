// SPDX-License-Identifier: MIT
/**
 * Store buffers: where the stores of a simulated CPU wait before the other CPUs see them.
 *
 * - `tso` (x86, SPARC): one queue a CPU; the oldest store becomes visible first.
 * - `pso` (SPARC; as much as ARM and POWER do to stores): the stores to each word keep their order,
 *   those to different words do not. A release comes after all stores before it.
 * - `weak`: the same, and loads may return older values (older-values.ts).
 *
 * A CPU sees its own stores at once. When one becomes visible to all is a step of the schedule of its
 * own, a drain. Each store has a number, counted by CPU; a token names a drain by that number, and
 * draining number n means: n, and whatever must come before it.
 */
import type { Address, Memory } from "../machine/memory.ts";
import { mixHigh, mixLow } from "./journal.ts";

/** `sc`: every store is visible to all at once. */
export const MEMORY_MODELS = ["sc", "tso", "pso", "weak"] as const;
export type MemoryModel = (typeof MEMORY_MODELS)[number];

/** One store, or two that become visible as one. */
export interface LateStore {
  readonly number: number;
  readonly address: Address;
  readonly value: number;
  /** The bits of the word that it writes. */
  readonly mask: number;
  readonly isRelease: boolean;
  /** The word behind, if the two are a pair. */
  readonly second: number | undefined;
}

type Write = (address: Address, value: number, cpu: number) => void;

export class StoreBuffers {
  readonly model: Exclude<MemoryModel, "sc">;
  private readonly raw: Memory;
  private readonly write: Write;
  /** By CPU, the oldest store first. */
  private readonly queues: LateStore[][];
  /** Stores by CPU so far, those that did not wait included. */
  private readonly counts: number[];

  /** `write` makes a store of a CPU visible to all. */
  constructor(model: Exclude<MemoryModel, "sc">, cpus: number, raw: Memory, write: Write) {
    this.model = model;
    this.raw = raw;
    this.write = write;
    this.queues = Array.from({ length: cpus }, () => []);
    this.counts = Array.from({ length: cpus }, () => 0);
  }

  reset(): void {
    for (const queue of this.queues) queue.length = 0;
    this.counts.fill(0);
  }

  get isEmpty(): boolean {
    return this.queues.every((queue) => queue.length === 0);
  }

  isEmptyAt(cpu: number): boolean {
    return this.queueOf(cpu).length === 0;
  }

  private queueOf(cpu: number): LateStore[] {
    return this.queues[cpu] as LateStore[];
  }

  /** A store of `cpu` waits from now on. */
  put(cpu: number, store: Omit<LateStore, "number">): void {
    this.queueOf(cpu).push({ ...store, number: this.countStore(cpu) });
  }

  /** Number of the next store, which need not wait. */
  countStore(cpu: number): number {
    const number = this.counts[cpu] as number;
    this.counts[cpu] = number + 1;
    return number;
  }

  /** The word as `cpu` sees it: its own late stores over the memory. */
  view(cpu: number, word: Address): number {
    let seen = this.raw.read32(word);
    for (const store of this.queueOf(cpu)) {
      if (store.address === word) seen = (seen & ~store.mask) | (store.value & store.mask);
      else if (store.second !== undefined && store.address + 4 === word) seen = store.second;
    }
    return seen;
  }

  /** A store of `cpu` to the word waits. */
  holds(cpu: number, word: Address): boolean {
    return this.queueOf(cpu).some((store) => touches(store, word));
  }

  /** The stores of `cpu` that may become visible next; `all`: any, with those before it. */
  drainable(cpu: number, all: boolean): readonly LateStore[] {
    const queue = this.queueOf(cpu);
    if (all) return queue;
    if (this.model === "tso") return queue.slice(0, 1);
    return queue.filter((store, at) => !queue.slice(0, at).some((one) => comesBefore(one, store)));
  }

  /** Makes the store of that number visible, and first what must come before it. */
  drain(cpu: number, number: number): Address {
    const queue = this.queueOf(cpu);
    const wanted = queue.find((store) => store.number === number) as LateStore;
    for (let at = 0; queue[at] !== wanted; ) {
      const earlier = queue[at] as LateStore;
      if (this.model === "tso" || this.mustPrecede(queue, earlier, wanted)) {
        this.drain(cpu, earlier.number);
      } else at++;
    }
    queue.splice(queue.indexOf(wanted), 1);
    this.apply(cpu, wanted);
    return wanted.address;
  }

  /** Directly, or because of a store between the two. */
  private mustPrecede(queue: readonly LateStore[], one: LateStore, later: LateStore): boolean {
    if (comesBefore(one, later)) return true;
    const between = queue.slice(queue.indexOf(one) + 1, queue.indexOf(later));
    return between.some((store) => comesBefore(one, store) && comesBefore(store, later));
  }

  private apply(cpu: number, { address, value, mask, second }: LateStore): void {
    const rest = mask === -1 ? 0 : this.raw.read32(address) & ~mask;
    this.write(address, rest | (value & mask), cpu);
    if (second !== undefined) this.write(address + 4, second, cpu);
  }

  /** A full barrier of `cpu`: all its stores become visible. */
  flush(cpu: number): void {
    for (const store of this.queueOf(cpu).splice(0)) this.apply(cpu, store);
  }

  /** Two hashes of what waits, for the state of a schedule. */
  hash(): readonly [number, number] {
    let low = 0;
    let high = 0;
    this.queues.forEach((queue, cpu) => {
      for (const { address, value, mask, isRelease, second = 0 } of queue) {
        const kind = (cpu << 1) | (isRelease ? 1 : 0);
        low = mixLow(low ^ address, value) ^ mixLow(mask ^ kind, second);
        high = mixHigh(high ^ address, value) ^ mixHigh(mask ^ kind, second);
      }
    });
    return [low, high];
  }
}

function touches({ address, second }: LateStore, word: Address): boolean {
  return address === word || (second !== undefined && address + 4 === word);
}

/** Of two stores of one CPU, the earlier first, under PSO. */
function comesBefore(one: LateStore, later: LateStore): boolean {
  if (later.isRelease) return true;
  if (touches(one, later.address)) return true;
  return later.second !== undefined && touches(one, later.address + 4);
}
