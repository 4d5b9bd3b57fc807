// SPDX-License-Identifier: MIT
/**
 * Runs schedules. In one schedule every context runs from its first operation to its last, one access
 * at a time, in the order that the scheduler chooses. The engine enters and leaves contexts; the
 * scheduler only chooses, and the memory only stops.
 *
 * Between two schedules the memory returns to the state that set-up left.
 */
import { MAX_TASKS } from "../machine/cpus.ts";
import { KernelBug } from "../machine/kernel-bug.ts";
import type { Address } from "../machine/memory.ts";
import { Context, type ContextSpec } from "./context.ts";
import type { ExploredMemory } from "./explored-memory.ts";
import { classOf, describeDeadlock, type Found } from "./failure.ts";
import { mixHigh, mixLow } from "./journal.ts";
import type { Observer } from "./observer.ts";
import { Occupancy } from "./occupancy.ts";
import type { Segment } from "./schedulers/replay.ts";
import {
  contextOf,
  cpuOf,
  OTHER_WAY,
  PRUNE,
  type Scheduler,
  wayOf,
  withoutWay,
} from "./schedulers/scheduler.ts";
import { type Pilot, SUSPEND } from "./stop-rule.ts";

/** What a check at the end may ask about the schedule. */
export interface EndedSchedule {
  /** One operation ran after the other, each on one CPU. */
  readonly inTurn: boolean;
}

/** A program to run: the operations of its contexts, its checks, and the memory they share. */
export interface Program {
  readonly memory: ExploredMemory;
  // biome-ignore lint/suspicious/noExplicitAny: the engine only hands it to operations
  readonly world: any;
  readonly setup: unknown;
  // biome-ignore lint/suspicious/noExplicitAny: the engine only hands world and set-up through
  readonly contexts: readonly ContextSpec<any, any>[];
  /** After each operation; others may be in the middle of one. */
  readonly afterEach: ((world: unknown, setup: unknown) => void) | undefined;
  /** When all contexts have finished. Not repeated for a memory that has passed it before. */
  readonly atEnd: ((world: unknown, setup: unknown, schedule: EndedSchedule) => void) | undefined;
  /** No context can go on: changes the memory so that one can, or answers false: a deadlock. */
  readonly idle?: (() => boolean) | undefined;
  /** `atEnd` depends on results, not on the memory alone, so it is done each time. Default no. */
  readonly seesResults?: boolean;
  /**
   * Operations may catch what they have not thrown, and have a `finally`: it does no harm, since a
   * suspended operation runs again from its start. Default no: code of a kernel does not do it.
   */
  readonly mayCatch?: boolean;
  /** Operations left out, as `context.operation`. */
  readonly without?: ReadonlySet<string>;
}

/** Hears what happens in a run; a replay listens, a search does not. */
export interface RunListener {
  began(context: Context): void;
  ended(context: Context, result: unknown): void;
  waited(context: Context): void;
  /** A late store to the word has become visible to all. */
  drained(buffer: Context, address: Address): void;
}

/** The outcome of a schedule. `pruned`: it was cut short because its state was known. */
export interface Outcome {
  readonly found: Found | undefined;
  readonly pruned: boolean;
  readonly preemptions: number;
  readonly steps: number;
}

/** Memories remembered as passed; any others are checked each time a schedule ends with them. */
const MOST_ENDS = 1_000_000;

/** 53 of 64 bits, as one number. */
const isUnderWay = ({ running, isService }: Context): boolean => running && !isService;

const keyOf = (low: number, high: number): number => (high >>> 11) * 2 ** 32 + (low >>> 0);

export class Engine implements Pilot {
  readonly program: Program;
  readonly memory: ExploredMemory;
  readonly contexts: readonly Context[];
  private listener: RunListener | undefined;
  private readonly occupancy: Occupancy;
  private scheduler!: Scheduler;
  /** The context that runs or ran last, unless it has ended. */
  private running: Context | undefined;
  /** Chosen while the running context was being suspended; -1: none yet. */
  private wanted = -1;
  private isPruned = false;
  /** Memories, by hash, that have passed the check at the end. */
  private readonly passed = new Set<number>();
  private preemptions = 0;
  /** No operation of this schedule has begun while another was under way, or was moved. */
  private inTurn = true;
  /** The schedule so far: choices, and the step at which each began. */
  private readonly turns: number[] = [];
  private readonly turnStarts: number[] = [];

  constructor(program: Program) {
    this.program = program;
    this.memory = program.memory;
    const { cpus } = program.memory;
    const specs = [...program.contexts];
    const contexts = specs.map((spec, id) => new Context(id, spec.kind ?? "task", spec));
    const { buffers } = program.memory;
    for (const kind of ["calls", "softirq", ...(buffers ? (["buffer"] as const) : [])] as const) {
      for (let cpu = 0; cpu < cpus; cpu++) {
        const spec = { name: `${kind} of CPU ${cpu}`, cpu, operations: [] };
        contexts.push(new Context(contexts.length, kind, spec));
      }
    }
    if (contexts.length > MAX_TASKS) {
      throw new RangeError(
        `${specs.length} contexts, and 2 that each of the ${cpus} CPUs needs for itself, are ` +
          `${contexts.length} tasks; a machine has at most ${MAX_TASKS}`,
      );
    }
    this.contexts = contexts;
    this.occupancy = new Occupancy(this.memory, contexts);
  }

  /** Runs one schedule. @throws StaleSchedule from a scheduler that cannot go on. */
  run(scheduler: Scheduler): Outcome {
    const { memory } = this;
    this.reset(scheduler);
    try {
      const found = this.runToEnd();
      const { isPruned: pruned, preemptions } = this;
      return { found, pruned, preemptions, steps: memory.stops.steps };
    } finally {
      memory.leave();
      memory.journal.undo();
    }
  }

  /**
   * The same, recorded: every point asks the scheduler, `listener` hears of contexts and `observer`
   * of accesses.
   */
  runRecorded(scheduler: Scheduler, listener: RunListener, observer: Observer): Outcome {
    const { memory } = this;
    this.listener = listener;
    try {
      return memory.observed(observer, () =>
        memory.stops.askingEverywhere(() => this.run(scheduler)),
      );
    } finally {
      this.listener = undefined;
    }
  }

  private reset(scheduler: Scheduler): void {
    const { memory } = this;
    this.scheduler = scheduler;
    this.running = undefined;
    this.wanted = -1;
    this.isPruned = false;
    this.preemptions = 0;
    this.inTurn = true;
    this.turns.length = 0;
    this.turnStarts.length = 0;
    memory.stops.begin(this);
    memory.observer?.reset();
    for (const context of this.contexts) {
      context.reset();
      this.skipLeftOut(context);
    }
    memory.runnable.lookForWaiters(this.contexts);
    memory.runnable.changed();
    memory.buffers?.reset();
    memory.older?.reset();
    this.occupancy.reset();
  }

  private skipLeftOut(context: Context): void {
    const { without } = this.program;
    while (without?.has(`${context.id}.${context.operation}`)) context.operation++;
  }

  private runToEnd(): Found | undefined {
    try {
      for (;;) {
        const choice = this.choose();
        if (choice < 0 || this.isPruned) break;
        this.turnTo(choice);
      }
      if (this.isPruned) return undefined;
      this.checkAllFinished();
      this.checkEnd();
      return undefined;
    } catch (thrown) {
      return classOf(thrown);
    }
  }

  /** Between two turns: the next choice, or -1 if no context can run. */
  private choose(): number {
    let choice = this.wanted;
    this.wanted = -1;
    if (choice < 0) {
      this.occupancy.list(this.running);
      if (this.occupancy.choices.length === 0) {
        if (!this.passTime()) return -1;
        this.occupancy.list(this.running);
      }
      choice = this.ask();
    }
    // A context may go another way twice in a row, which are two turns.
    if (choice !== this.turns.at(-1) || cpuOf(choice) >= OTHER_WAY) {
      this.turns.push(choice);
      this.turnStarts.push(this.memory.stops.steps);
    }
    this.memory.stops.step();
    return choice;
  }

  /** No context can go on, unless the program changes something. */
  private passTime(): boolean {
    this.memory.leave();
    return this.program.idle?.() === true;
  }

  /** Asks the scheduler where there is a choice, and counts the preemption if it takes one. */
  private ask(): number {
    const { choices, costs, current } = this.occupancy;
    const { memory, scheduler } = this;
    const isChoice =
      choices.length > 1 || memory.stops.isAskingEverywhere || scheduler.asksAlone === true;
    const index = isChoice ? scheduler.next(this.occupancy, current, this.contexts) : 0;
    if (index === PRUNE) {
      this.isPruned = true;
      return choices[0] as number;
    }
    this.preemptions += costs[index] as number;
    return choices[index] as number;
  }

  /** `choice` begins its next operation, or goes on with one, until it is suspended or ends it. */
  private turnTo(choice: number): void {
    const { memory, occupancy } = this;
    const context = this.contexts[contextOf(choice)] as Context;
    if (context.kind === "buffer") {
      this.drain(context, cpuOf(choice));
      return;
    }
    const place = cpuOf(choice);
    context.way = wayOf(place);
    const cpu = context.cpu;
    const before = occupancy.takes(context, withoutWay(place));
    if (context.running && context.cpu !== cpu) this.inTurn = false;
    context.waitNoMore();
    memory.runnable.lookForWaiters(this.contexts);
    memory.runnable.changed();
    memory.observer?.switched(context, before);
    this.running = context;
    if (!context.running) {
      this.inTurn &&= !this.contexts.some(isUnderWay);
      context.begin();
      this.listener?.began(context);
    }
    memory.enter(context);
    this.execute(context);
  }

  /** Afterwards no context is the one that may simply go on: see Occupancy.listDrains. */
  private drain(buffer: Context, store: number): void {
    const { memory } = this;
    const address = memory.buffers?.drain(buffer.cpu, store) ?? 0;
    this.listener?.drained(buffer, address);
    memory.runnable.changed();
    this.running = undefined;
  }

  private execute(context: Context): void {
    const { memory } = this;
    const { stops } = memory;
    let result: unknown;
    try {
      result = this.operate(context);
    } catch (thrown) {
      if (this.isLeaving()) return;
      if (thrown === SUSPEND) {
        if (stops.wasCaught) {
          this.swallowed(context, "caught, or followed by another access");
        }
        return;
      }
      if (stops.isUnwinding) this.swallowed(context, `turned into "${String(thrown)}"`);
      throw thrown;
    }
    if (this.isLeaving()) return;
    if (stops.isUnwinding) this.swallowed(context, "caught");
    memory.log.checkIsUsedUp();
    memory.leave();
    this.finish(context, result);
  }

  /** The operation is suspended, whatever it made of it. */
  private isLeaving(): boolean {
    return this.program.mayCatch === true && this.memory.stops.isUnwinding;
  }

  private operate(context: Context): unknown {
    const { memory } = this;
    if (context.kind === "calls") return memory.takeCall();
    if (context.kind === "softirq") return memory.serve();
    const { world, setup } = this.program;
    const { results } = context;
    return context.operations[context.operation]?.run(world, { setup, results });
  }

  private swallowed(context: Context, how: string): never {
    throw new KernelBug(
      "non-determinism",
      `${context.operationName} of ${context.name} was suspended, and the suspension was ${how}: ` +
        "code under test may not catch errors that it has not thrown",
    );
  }

  private finish(context: Context, result: unknown): void {
    this.occupancy.ends(context);
    this.memory.observer?.finished?.();
    this.listener?.ended(context, result);
    context.end();
    if (!context.isService) {
      // An operation that changed an earlier result would find it changed when it runs again.
      context.results[context.operation] = Object.freeze(result);
      context.operation++;
      this.skipLeftOut(context);
    }
    this.running = context.isTask && !context.isFinished ? context : undefined;
    this.memory.stops.progressed();
    // A check sees the memory, without the stores that wait.
    if (this.memory.buffers?.isEmpty !== false) this.outside(this.program.afterEach);
    this.memory.observer?.checked?.();
  }

  private outside(check: ((world: unknown, setup: unknown) => void) | undefined): void {
    if (check === undefined) return;
    this.memory.leave();
    check(this.program.world, this.program.setup);
  }

  /** The check walks the memory and takes longer than a schedule; many schedules end alike. */
  private checkEnd(): void {
    const { program, inTurn } = this;
    const check = (world: unknown, setup: unknown): void =>
      program.atEnd?.(world, setup, { inTurn });
    if (program.seesResults) {
      this.outside(check);
      return;
    }
    const { low, high, statistics } = this.memory.journal;
    const rest = inTurn ? ~statistics : statistics;
    const key = keyOf(mixLow(low, rest), mixHigh(high, rest));
    if (this.passed.has(key)) return;
    this.outside(check);
    if (this.passed.size < MOST_ENDS) this.passed.add(key);
  }

  private checkAllFinished(): void {
    const { contexts, memory } = this;
    const stuck = contexts.filter(
      ({ running, isFinished, isService }) => running || !(isFinished || isService),
    );
    if (stuck.length === 0) return;
    memory.leave();
    throw new KernelBug("deadlock", describeDeadlock(stuck, contexts, memory.nameOf));
  }

  // ---- results of a run ----

  /** The context that ran last. */
  get lastContext(): Context {
    return this.contexts[contextOf(this.turns.at(-1) ?? 0)] as Context;
  }

  /** The schedule of the last run, or of the present one up to here. */
  schedule(): Segment[] {
    const segments = this.turns.map((choice, i) => ({
      context: contextOf(choice),
      cpu: cpuOf(choice),
      steps: (this.turnStarts[i + 1] ?? this.memory.stops.steps) - (this.turnStarts[i] as number),
    }));
    // The run failed on its way from one context to the chosen other.
    const { wanted } = this;
    if (wanted >= 0) segments.push({ context: contextOf(wanted), cpu: cpuOf(wanted), steps: 1 });
    return segments;
  }

  /** A 53-bit hash of the present state: memory, contexts, CPUs and the running context. */
  readonly stateKey = (): number => {
    const { journal } = this.memory;
    const rest = this.occupancy.stateOf(this.running);
    let low = mixLow(journal.low, rest);
    let high = mixHigh(journal.high, rest);
    for (const context of this.contexts) {
      low = mixLow(low, context.stateLow());
      high = mixHigh(high, context.stateHigh());
    }
    const { buffers, older } = this.memory;
    for (const part of [buffers?.isEmpty === false ? buffers : undefined, older]) {
      if (part === undefined) continue;
      const [partLow, partHigh] = part.hash();
      low = mixLow(low, partLow);
      high = mixHigh(high, partHigh);
    }
    return keyOf(low, high);
  };

  // ---- Pilot ----

  mayGoOn(kind: number, address: Address): boolean {
    const { occupancy, running, memory } = this;
    const context = running as Context;
    context.pendingKind = kind;
    context.pendingAddress = address;
    if (memory.runnable.isStale || memory.older !== undefined) occupancy.list(context);
    const isAlone = occupancy.choices.length === 1 && occupancy.current === 0;
    if (isAlone && !memory.stops.isAskingEverywhere) return true;
    const choice = this.ask();
    if (this.isPruned) return false;
    if (contextOf(choice) === context.id && cpuOf(choice) === context.cpu) return true;
    this.wanted = choice;
    return false;
  }

  blocked(): void {
    const context = this.running as Context;
    this.memory.observer?.blocked?.(context.waitAddress);
    this.occupancy.waits(context);
    this.memory.runnable.lookForWaiters(this.contexts);
    this.listener?.waited(context);
  }
}
