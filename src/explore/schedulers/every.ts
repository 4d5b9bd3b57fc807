// SPDX-License-Identifier: MIT
/**
 * Every interleaving, without a bound: depth-first, and of the schedules that differ only in the order of
 * independent steps one. Two methods together:
 *
 * - Source-DPOR: Abdulla, Aronis, Jonsson and Sagonas, "Optimal Dynamic Partial Order Reduction", POPL 2014.
 *   A decision first has one choice to try. Each pair of steps that depend on each other, with no step
 *   between that orders them, is a race: it gives the decision before the earlier step another choice to
 *   try, one with which the later step can come first.
 * - Sleep sets: Godefroid, "Using Partial Orders to Improve Automatic Verification Methods", CAV 1990. A
 *   choice that has been tried sleeps while others are tried, until a step comes that depends on it. A
 *   schedule in which all that could run is asleep is cut short.
 *
 * Deviation: what depends on what is not predicted but seen, since a step that sleeps, or that races, has
 * been run, and its footprint is known. And where a step keeps another context from running that could have
 * run, that context is to be tried before it: so interrupts and preemption that go off need no rule of their
 * own.
 */
import { areIndependent, type Footprint, type FootprintRecorder } from "../footprint.ts";
import { contextOf, cpuOf, PRUNE, type Runnable, type Scheduler, withoutWay } from "./scheduler.ts";

/** A point of the present schedule where a choice was made, and the step that was chosen. */
interface Decision {
  readonly choices: readonly number[];
  /** The choices to try, those that were tried included. */
  readonly tried: Set<number>;
  /** The choices that sleep here, with the footprint of the step that each would be. */
  readonly asleep: Map<number, Footprint>;
  choice: number;
  step: Step | undefined;
}

interface Step {
  readonly footprint: Footprint;
  /** By context: the number of its last step, from 1, that happens before this one or is this one. */
  readonly clock: readonly number[];
}

export class EveryScheduler implements Scheduler {
  readonly asksAlone = true;
  private readonly recorder: FootprintRecorder;
  private readonly contexts: number;
  private readonly path: Decision[] = [];
  private depth = 0;
  private isFirst = true;

  constructor(recorder: FootprintRecorder, contexts: number) {
    this.recorder = recorder;
    this.contexts = contexts;
  }

  begin(): boolean {
    if (!this.isFirst) {
      this.endStep([]);
      if (!this.advance()) return false;
    }
    this.isFirst = false;
    this.depth = 0;
    return true;
  }

  /** Turns to the next path: the last decision that has another choice to try takes it. */
  private advance(): boolean {
    for (;;) {
      const last = this.path.at(-1);
      if (last === undefined) return false;
      if (last.step !== undefined) last.asleep.set(last.choice, last.step.footprint);
      const next = [...last.tried].find((choice) => !last.asleep.has(choice));
      if (next !== undefined) {
        last.choice = next;
        last.step = undefined;
        return true;
      }
      this.path.pop();
    }
  }

  next({ choices }: Runnable): number {
    this.endStep(choices);
    const { path, depth } = this;
    if (depth === path.length) {
      const asleep = this.stillAsleep();
      const choice = choices.find((one) => !asleep.has(one));
      if (choice === undefined) return PRUNE;
      path.push({ choices: [...choices], tried: new Set(), asleep, choice, step: undefined });
      tryContext(path[depth] as Decision, choice);
    }
    this.depth = depth + 1;
    return choices.indexOf((path[depth] as Decision).choice);
  }

  /** Of the choices that slept before the last step, those that do not depend on it. */
  private stillAsleep(): Map<number, Footprint> {
    const last = this.path.at(-1);
    const asleep = new Map<number, Footprint>();
    if (last?.step === undefined) return asleep;
    for (const [choice, footprint] of last.asleep) {
      if (areIndependent(footprint, last.step.footprint)) asleep.set(choice, footprint);
    }
    return asleep;
  }

  /** The step chosen last has been run; `after`: the choices behind it. */
  private endStep(after: readonly number[]): void {
    const seen = this.recorder.take();
    const { path, depth } = this;
    const last = path[depth - 1];
    if (last === undefined || last.step !== undefined) return;
    const footprint = { ...seen, cpus: seen.cpus | (1 << withoutWay(cpuOf(last.choice))) };
    last.step = { footprint, clock: this.clockOf(footprint, depth - 1) };
    for (const choice of last.choices) {
      if (choice !== last.choice && !after.includes(choice)) last.tried.add(choice);
    }
  }

  /** The clock of the step at `position`; tries the other order of each race that it has. */
  private clockOf(footprint: Footprint, position: number): number[] {
    const { path } = this;
    const own = contextOf((path[position] as Decision).choice);
    const clock = Array.from({ length: this.contexts }, () => 0);
    const races: number[] = [];
    for (let at = position - 1; at >= 0; at--) {
      const { choice, step } = path[at] as Decision & { step: Step };
      const context = contextOf(choice);
      if (happensBefore(context, at, clock)) continue;
      if (context !== own) {
        if (areIndependent(step.footprint, footprint)) continue;
        races.push(at);
      }
      join(clock, step.clock);
    }
    clock[own] = position + 1;
    for (const at of races) this.reverse(at, position, clock);
    return clock;
  }

  /**
   * Has the decision at `first` try a step with which the one at `second` can come before its own: the
   * beginning of one of the contexts that run until then and do not depend on the first step.
   */
  private reverse(first: number, second: number, clock: readonly number[]): void {
    const { choice, choices, tried } = this.path[first] as Decision;
    const context = contextOf(choice);
    const others: number[] = [];
    const beginnings: number[] = [];
    for (let at = first + 1; at <= second; at++) {
      const decision = this.path[at] as Decision;
      const of = at === second ? clock : (decision.step as Step).clock;
      if (at < second && happensBefore(context, first, of)) continue;
      const isBeginning = !others.some((other) => this.isBefore(other, of));
      if (isBeginning && choices.includes(decision.choice)) beginnings.push(decision.choice);
      others.push(at);
    }
    if (beginnings.some((one) => tried.has(one))) return;
    const [beginning] = beginnings;
    if (beginning !== undefined) tryContext(this.path[first] as Decision, beginning);
  }

  private isBefore(position: number, clock: readonly number[]): boolean {
    return happensBefore(contextOf((this.path[position] as Decision).choice), position, clock);
  }
}

/** With a choice goes the other way that chance may decide for its context. */
function tryContext({ choices, tried }: Decision, wanted: number): void {
  for (const choice of choices) if (contextOf(choice) === contextOf(wanted)) tried.add(choice);
}

/** The step of `context` at `position` happens before the one that has the clock. */
function happensBefore(context: number, position: number, clock: readonly number[]): boolean {
  return (clock[context] as number) > position;
}

function join(into: number[], from: readonly number[]): void {
  for (let i = 0; i < from.length; i++) {
    if ((from[i] as number) > (into[i] as number)) into[i] = from[i] as number;
  }
}
