// SPDX-License-Identifier: MIT
/**
 * A context: a task, an interrupt, or work that the machine itself does for a CPU (inter-processor
 * calls, RCU callbacks). It runs its operations one after the other. An operation that is suspended
 * in the middle is plain data: its number, and the log of the answers that its accesses got so far.
 */
import type { Address } from "../machine/memory.ts";
import { mixHigh, mixLow } from "./journal.ts";
import { BEGIN, CPU_ID, WAIT } from "./kinds.ts";

/** Input of an operation: the result of set-up, and those of its context's earlier operations. */
export interface Given<S> {
  readonly setup: S;
  readonly results: readonly unknown[];
}

/**
 * One call into the code under test. It runs again from its start each time its context goes on, so
 * it may change nothing but the memory. Its result is frozen and kept for later operations.
 */
export interface Operation<W, S> {
  readonly name: string;
  /** A check relies on it: shrinking a failure never leaves it out. */
  readonly isNeeded?: boolean;
  run(world: W, given: Given<S>): unknown;
}

export interface ContextSpec<W, S> {
  readonly name: string;
  /** The CPU on which it starts; an interrupt stays there. */
  readonly cpu: number;
  /** Default `task`. Each operation of an interrupt is one interrupt, at any point with interrupts on. */
  readonly kind?: "task" | "interrupt";
  /** The task may change its CPU wherever it can be preempted. Default no. */
  readonly migrates?: boolean;
  readonly operations: readonly Operation<W, S>[];
}

/**
 * `calls` and `softirq` are started by the machine's poll words, any number of times. `buffer` makes
 * stores of a CPU visible; it has no operation.
 */
export type ContextKind = "task" | "interrupt" | "calls" | "softirq" | "buffer";

// biome-ignore lint/suspicious/noExplicitAny: the engine never looks into world or set-up
export type AnyOperation = Operation<any, any>;

export class Context {
  readonly id: number;
  readonly name: string;
  readonly kind: ContextKind;
  readonly isTask: boolean;
  /** Started by the machine, not by the scenario. */
  readonly isService: boolean;
  readonly home: number;
  readonly migrates: boolean;
  readonly operations: readonly AnyOperation[];

  cpu: number;
  /** Index of the operation that runs or is next. */
  operation = 0;
  /** In the middle of an operation. */
  running = false;
  results: unknown[] = [];
  /** Key and value of each access of the running operation; used up to `logged`. */
  readonly log: number[] = [];
  logged = 0;

  irqsOff = false;
  preemptCount = 0;
  /** Both as they were when the operation began. */
  irqsOffAtStart = false;
  preemptCountAtStart = 0;
  /** Random numbers drawn by the running operation. */
  draws = 0;
  /**
   * The CPUs whose areas the running operation asked for by number, a bit each; beyond 32 CPUs two
   * share one, which allows more.
   */
  namedCpus = 0;

  /** The word it waits for (0: none), the value on which it waits, and task + 1 of the lock's holder. */
  waitAddress: Address = 0;
  waitValue = 0;
  waitHolder = 0;
  /** Goes on as soon as the word differs; false: its waiters must be notified first. */
  isNotified = true;

  /**
   * The words it has accessed since any word last changed, at change number `lookedSince`, and how
   * often it came back to one of them (spin-watch.ts).
   */
  readonly looked = new Set<Address>();
  lookedSince = 0;
  looksInVain = 0;
  /** It goes on only when a word has changed, or no other context can go on. */
  givesWay = false;

  /** Its next step goes another way than usual: what chance decides, or which older value it loads. */
  way = 0;

  /** Kind and address of its next access. */
  pendingKind = BEGIN;
  pendingAddress: Address = 0;

  /** Hashes of the logs of past operations, and of the running one up to `hashed`. */
  private pastLow = 0;
  private pastHigh = 0;
  private low = 0;
  private high = 0;
  private hashed = 0;

  constructor(id: number, kind: ContextKind, spec: ContextSpec<never, never>) {
    this.id = id;
    this.kind = kind;
    this.isTask = kind === "task";
    this.isService = kind === "calls" || kind === "softirq" || kind === "buffer";
    this.name = spec.name;
    this.home = spec.cpu;
    this.cpu = spec.cpu;
    this.migrates = spec.migrates === true;
    this.operations = spec.operations;
  }

  /** Back to the start of a schedule. */
  reset(): void {
    this.cpu = this.home;
    this.operation = 0;
    this.running = false;
    this.results = [];
    this.irqsOff = false;
    this.preemptCount = 0;
    this.waitNoMore();
    this.givesWay = false;
    this.lookedSince = 0;
    this.pendingKind = BEGIN;
    this.pendingAddress = 0;
    this.pastLow = 0;
    this.pastHigh = 0;
    this.forget();
  }

  /** An operation begins: an interrupt with interrupts off, a softirq without preemption. */
  begin(): void {
    this.running = true;
    if (this.kind === "interrupt" || this.kind === "calls") this.irqsOff = true;
    if (this.kind === "softirq") this.preemptCount = 1;
    this.irqsOffAtStart = this.irqsOff;
    this.preemptCountAtStart = this.preemptCount;
    this.forget();
  }

  /** The operation runs again from its start, in the state it began with. */
  restart(): void {
    this.irqsOff = this.irqsOffAtStart;
    this.preemptCount = this.preemptCountAtStart;
    this.draws = 0;
    this.namedCpus = 0;
  }

  /** The operation has ended; an interrupt leaves no state behind. */
  end(): void {
    // A service keeps no results, so its past operations decide nothing.
    if (!this.isService) {
      this.catchUp();
      this.pastLow = mixLow(this.pastLow, this.low);
      this.pastHigh = mixHigh(this.pastHigh, this.high);
    }
    this.running = false;
    this.pendingKind = BEGIN;
    this.pendingAddress = 0;
    if (this.kind !== "task") {
      this.irqsOff = false;
      this.preemptCount = 0;
    }
    this.forget();
  }

  /** Waits while the word at `address` has `value`; `holder`: task + 1. */
  wait(address: Address, value: number, holder: number): void {
    this.waitAddress = address;
    this.waitValue = value;
    this.waitHolder = holder;
    this.pendingKind = WAIT;
    this.pendingAddress = address;
  }

  /** Goes on: the word it may have waited for no longer belongs to its state. */
  waitNoMore(): void {
    this.waitAddress = 0;
    this.waitValue = 0;
    this.waitHolder = 0;
    this.isNotified = true;
  }

  private forget(): void {
    this.logged = 0;
    this.draws = 0;
    this.low = 0;
    this.high = 0;
    this.hashed = 0;
  }

  get isFinished(): boolean {
    return this.operation >= this.operations.length && !this.isService;
  }

  get isPreemptible(): boolean {
    return !this.irqsOff && this.preemptCount === 0;
  }

  get canMigrate(): boolean {
    return this.migrates && this.isPreemptible;
  }

  /** Chance decides in its next step. */
  get awaitsChance(): boolean {
    return this.pendingKind === CPU_ID && this.pendingAddress !== 0;
  }

  /** Waits in a place where another task may have the CPU. */
  get isAsleep(): boolean {
    return this.waitAddress !== 0 && this.isTask && this.isPreemptible;
  }

  /** The name of the operation that runs or is next. */
  get operationName(): string {
    if (this.isService) return this.kind;
    return this.operations[this.operation]?.name ?? "nothing more";
  }

  private catchUp(): void {
    const { log } = this;
    let { low, high } = this;
    for (let at = this.hashed; at < this.logged; at += 2) {
      const key = log[at] as number;
      const value = log[at + 1] as number;
      low = mixLow(low ^ key, value);
      high = mixHigh(high ^ key, value);
    }
    this.low = low;
    this.high = high;
    this.hashed = this.logged;
  }

  /** Hash of everything but the memory that decides the further course of this context. */
  stateLow(): number {
    this.catchUp();
    const where = mixLow(this.cpu | (this.operation << 8), this.flags());
    return mixLow(mixLow(this.pastLow, this.low), where ^ mixLow(this.waitAddress, this.waitValue));
  }

  stateHigh(): number {
    this.catchUp();
    const where = mixHigh(this.cpu | (this.operation << 8), this.flags());
    return mixHigh(
      mixHigh(this.pastHigh, this.high),
      where ^ mixHigh(this.waitAddress, this.waitValue),
    );
  }

  private flags(): number {
    const way = (this.givesWay ? 4 : 0) | (this.isNotified ? 0 : 8);
    return (this.preemptCount << 4) | way | (this.irqsOff ? 2 : 0) | (this.running ? 1 : 0);
  }
}
