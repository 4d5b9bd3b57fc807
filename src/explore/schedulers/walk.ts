// SPDX-License-Identifier: MIT
/**
 * Random walk: at every point any of the contexts that can run, all equally likely. Good at symmetric
 * races of a few steps; hopeless if a context must stay away for long.
 */
import { RandomStream } from "../random.ts";
import type { Runnable, Scheduler } from "./scheduler.ts";

export class WalkScheduler implements Scheduler {
  private readonly random = new RandomStream();
  private readonly seed: number;
  /** Number of the next schedule: each draws from its own stream. */
  private schedule = 0;

  constructor(seed: number) {
    this.seed = seed;
  }

  begin(): boolean {
    this.random.restart(this.seed, this.schedule++);
    return true;
  }

  next(runnable: Runnable): number {
    return this.random.below(runnable.choices.length);
  }
}
