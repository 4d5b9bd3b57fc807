/**
 * Suspension by re-execution, the heart of the explorer. Code under test is plain synchronous
 * TypeScript; to stop it in the middle, its next access throws SUSPEND; to let it go on, the whole
 * operation runs again from its start, and each access it had made is answered from its log. Where
 * the log ends it goes on for real.
 *
 * That works only if the operation does the same again: kind and address of each access (and what a
 * plain write writes) are compared with the log, and a difference is `non-determinism`.
 *
 * This half knows about contexts, logs and points; what an access does to the memory is the other
 * half, explored-memory.ts.
 */
import { KernelBug } from "../machine/kernel-bug.ts";
import type { Address } from "../machine/memory.ts";
import { Context } from "./context.ts";
import { addressOfKey, keyOf, kindName, kindOfKey } from "./kinds.ts";

/** Thrown through the code under test to leave it; one object, so that throwing costs little. */
export const SUSPEND: unique symbol = Symbol("suspended");

/** Who decides whether the running context goes on. */
export interface Pilot {
  /** The running context is about to do this. False: it is to be suspended instead. */
  mayGoOn(kind: number, address: Address): boolean;
  /** The running context must wait; it is suspended after this. */
  blocked(): void;
}

/** Who watches accesses when they happen: a race detector, a recorder. */
export interface Observer {
  /** A schedule begins. */
  reset(): void;
  /** `value` is what was read, or written by a plain write; `a` and `b` what a swap would store. */
  accessed(
    context: Context,
    kind: number,
    address: Address,
    value: number,
    a: number,
    b: number,
  ): void;
  /** `context` runs on its CPU from now on, after `before`, which ran there last. */
  switched(context: Context, before: Context | undefined): void;
  /** Nobody is in mid-operation on `cpu` any more; its `lease` is given back, which is a release. */
  idle(cpu: number, lease: Address): void;
}

export abstract class Suspension {
  /** Whoever runs outside of exploration: set-up and checks. */
  protected readonly outside = new Context(-1, "task", { name: "set-up", cpu: 0, operations: [] });
  protected context: Context = this.outside;
  /** False: accesses pass straight through. */
  protected exploring = false;

  private log: number[] = this.context.log;
  /** Where in the log the running operation is, and where the log ends; equal: it is live. */
  protected position = 0;
  protected logged = 0;

  /** SUSPEND has been thrown, so every further access throws it too. */
  isUnwinding = false;
  /** There was an access after that: somebody has caught it, or does something on the way out. */
  wasCaught = false;
  /** The scheduler has just chosen this context here: its first point asks nobody. */
  private isChosen = false;
  /** Every point asks, shared word or not: a token counts them all. */
  asksAlways = false;

  /** Points passed in this schedule. */
  steps = 0;
  /** More steps than this are a livelock; moved on by whoever sees progress. */
  stepLimit = 0;

  pilot!: Pilot;
  observer: Observer | undefined;

  /** How a report names an address. */
  nameOf: (address: Address) => string = (address) => `0x${address.toString(16)}`;

  /** Runs `context`'s operation from its start, up to where it was and on. */
  enter(context: Context): void {
    this.context = context;
    this.log = context.log;
    this.position = 0;
    this.logged = context.logged;
    this.exploring = true;
    this.isUnwinding = false;
    this.wasCaught = false;
    this.isChosen = true;
    context.irqsOff = context.irqsOffAtStart;
    context.preemptCount = context.preemptCountAtStart;
    context.draws = 0;
    this.becomeCpu(context.cpu);
  }

  /** No context runs. */
  leave(): void {
    this.exploring = false;
    this.isUnwinding = false;
    this.position = 0;
    this.logged = 0;
    this.context = this.outside;
    this.becomeCpu(this.outside.cpu);
  }

  /** Runs `look` in the middle of an operation as if from outside: for names and drawn values. */
  aside<T>(look: () => T): T {
    const { context, exploring, position, logged, isUnwinding } = this;
    this.leave();
    try {
      return look();
    } finally {
      this.context = context;
      this.exploring = exploring;
      this.position = position;
      this.logged = logged;
      this.isUnwinding = isUnwinding;
      this.becomeCpu(context.cpu);
    }
  }

  protected abstract becomeCpu(cpu: number): void;

  /** The operation has returned, but not to the end of its log: it did something else this time. */
  checkLogIsUsedUp(): void {
    if (this.position >= this.logged) return;
    const key = this.log[this.position] as number;
    this.nonDeterminism(`ended where before it went on with ${this.nameOfKey(key)}`);
  }

  /** The answer of the log, where the operation has been before. */
  protected recall(kind: number, address: Address): number {
    const { log, position } = this;
    const key = log[position] as number;
    if (key !== keyOf(kind, address)) {
      this.nonDeterminism(
        `did ${this.nameOfKey(keyOf(kind, address))} where before it did ${this.nameOfKey(key)}`,
      );
    }
    this.position = position + 2;
    return log[position + 1] as number;
  }

  /** Like recall, for a plain write, which must write the same again. */
  protected recallWrite(kind: number, address: Address, value: number): void {
    const before = this.recall(kind, address);
    if (before === value) return;
    const what = this.nameOfKey(keyOf(kind, address));
    this.nonDeterminism(`did ${what} with the value ${value} where before it was ${before}`);
  }

  private nonDeterminism(what: string): never {
    const { name, operationName } = this.context;
    throw new KernelBug(
      "non-determinism",
      `non-determinism: step ${this.position / 2 + 1} of ${operationName} of ${name} ${what}; ` +
        "an operation may depend on nothing but what it reads",
    );
  }

  private nameOfKey(key: number): string {
    return `${kindName(kindOfKey(key))} ${this.nameOf(addressOfKey(key))}`;
  }

  /**
   * A point at which another context could go on instead; returns when this one may. Nobody is
   * asked about what only this context touches: whoever comes before it might as well come at the
   * next point that is asked about, and there is one before interrupts or preemption are off again.
   */
  protected point(kind: number, address: Address, matters: boolean): void {
    if (this.isChosen) {
      this.isChosen = false;
      return;
    }
    if ((matters || this.asksAlways) && !this.pilot.mayGoOn(kind, address)) this.suspend();
    if (++this.steps > this.stepLimit) this.livelock();
  }

  /** Leaves the operation; it will be run again. */
  protected suspend(): never {
    this.wasCaught = this.isUnwinding;
    this.isUnwinding = true;
    throw SUSPEND;
  }

  private livelock(): never {
    const { name, operationName } = this.context;
    throw new KernelBug(
      "livelock",
      `livelock: no operation has ended for a long time; ${name} is in ${operationName}. ` +
        "A loop that waits for others must use waitWhile",
    );
  }

  /** A live access has been done: logs it under the address or offset the operation asked for. */
  protected keep(kind: number, address: Address, value: number): number {
    if (!this.exploring) return value;
    const { log, position } = this;
    log[position] = keyOf(kind, address);
    log[position + 1] = value;
    this.position = position + 2;
    this.logged = position + 2;
    this.context.logged = position + 2;
    return value;
  }
}
