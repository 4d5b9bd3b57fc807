/**
 * Random walk: at every point any of those who can run, each as likely. Good at symmetric races of a
 * few steps; hopeless where somebody must stay away for long.
 */
import { RandomStream } from "../random.ts";
import type { Runnable, Scheduler } from "./scheduler.ts";

export class WalkScheduler implements Scheduler {
  private readonly random = new RandomStream();
  private readonly seed: number;
  private schedule: number;

  /** Its schedules are numbered; the first is number `from`. */
  constructor(seed: number, from = 0) {
    this.seed = seed;
    this.schedule = from;
  }

  begin(): boolean {
    this.random.restart(this.seed, this.schedule++);
    return true;
  }

  next(runnable: Runnable): number {
    return this.random.below(runnable.choices.length);
  }
}
