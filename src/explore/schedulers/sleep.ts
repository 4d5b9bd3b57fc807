// SPDX-License-Identifier: MIT
/**
 * Every interleaving, without a bound: depth-first over all choices, with the sleep sets of Godefroid,
 * "Using Partial Orders to Improve Automatic Verification Methods", CAV 1990. Schedules that differ only
 * in the order of independent steps end alike; of those one is run to its end.
 *
 * Once a choice has been tried, it sleeps while the other choices of that decision are tried, until a
 * step comes that depends on it: before that it would only repeat what is known. A schedule in which all
 * that could run is asleep is cut short.
 *
 * Which steps depend on each other is not predicted: a step that sleeps has been run from the same state,
 * so its footprint is known.
 */
import { areIndependent, type Footprint, type FootprintRecorder } from "../footprint.ts";
import { cpuOf, PRUNE, type Runnable, type Scheduler } from "./scheduler.ts";

/** A point of the present schedule where a choice was made. */
interface Decision {
  readonly choices: readonly number[];
  /** The choices that sleep here, with the footprint of the step that each would be. */
  readonly asleep: Map<number, Footprint>;
  choice: number;
  /** Of the step that was chosen, once it has been run. */
  footprint: Footprint | undefined;
}

export class SleepScheduler implements Scheduler {
  readonly asksAlone = true;
  private readonly recorder: FootprintRecorder;
  private readonly path: Decision[] = [];
  private depth = 0;
  private isFirst = true;
  /** Schedules cut short so far. */
  cut = 0;

  constructor(recorder: FootprintRecorder) {
    this.recorder = recorder;
  }

  begin(): boolean {
    if (!this.isFirst) {
      this.endStep();
      if (!this.advance()) return false;
    }
    this.isFirst = false;
    this.depth = 0;
    return true;
  }

  /** Turns to the next path: the last decision that has a choice awake takes it. */
  private advance(): boolean {
    for (;;) {
      const last = this.path.at(-1);
      if (last === undefined) return false;
      if (last.footprint !== undefined) last.asleep.set(last.choice, last.footprint);
      const next = awakeIn(last.choices, last.asleep);
      if (next !== undefined) {
        last.choice = next;
        last.footprint = undefined;
        return true;
      }
      this.path.pop();
    }
  }

  next({ choices }: Runnable): number {
    this.endStep();
    const { path, depth } = this;
    if (depth === path.length) {
      const asleep = this.stillAsleep();
      const choice = awakeIn(choices, asleep);
      if (choice === undefined) {
        this.cut++;
        return PRUNE;
      }
      path.push({ choices: [...choices], asleep, choice, footprint: undefined });
    }
    this.depth = depth + 1;
    return choices.indexOf((path[depth] as Decision).choice);
  }

  /** The step chosen last has been run. */
  private endStep(): void {
    const seen = this.recorder.take();
    const last = this.path[this.depth - 1];
    if (last === undefined || last.footprint !== undefined) return;
    last.footprint = { ...seen, cpus: seen.cpus | (1 << cpuOf(last.choice)) };
  }

  /** Of the choices that slept before the last step, those that do not depend on it. */
  private stillAsleep(): Map<number, Footprint> {
    const last = this.path.at(-1);
    const asleep = new Map<number, Footprint>();
    if (last?.footprint === undefined) return asleep;
    for (const [choice, footprint] of last.asleep) {
      if (areIndependent(footprint, last.footprint)) asleep.set(choice, footprint);
    }
    return asleep;
  }
}

function awakeIn(
  choices: readonly number[],
  asleep: ReadonlyMap<number, Footprint>,
): number | undefined {
  return choices.find((choice) => !asleep.has(choice));
}
