/**
 * CPUs that go and come while others work: every so often one that is gone comes back, and a random
 * one of those that are there goes. Done by the main thread, which waits as long as it takes.
 */
import type { Kernel } from "../src/kernel/kernel.ts";
import type { Random } from "./random.ts";

export interface HotplugCounts {
  readonly gone: number;
  readonly back: number;
}

export class HotplugTour {
  private readonly kernel: Kernel;
  readonly interval: number;
  private readonly random: Random;
  /** Those that are gone, the one that went first at the start. */
  private readonly absent: number[] = [];
  private due: number;
  private gone = 0;
  private back = 0;

  /** `interval` in ms. */
  constructor(kernel: Kernel, interval: number, random: Random) {
    this.kernel = kernel;
    this.interval = interval;
    this.random = random;
    this.due = interval;
  }

  get counts(): HotplugCounts {
    return { gone: this.gone, back: this.back };
  }

  /** The run has lasted `milliseconds`: if it is time, CPUs change. */
  tick(milliseconds: number): void {
    if (milliseconds < this.due) return;
    // What was missed while the run was busy otherwise is not made up for.
    this.due = Math.max(this.due + this.interval, milliseconds);
    this.bringOne();
    this.takeOne();
  }

  private takeOne(): void {
    const cpu = this.random.pluck(this.kernel.onlineCpus());
    if (this.kernel.cpuDown(cpu) !== 0) return;
    this.absent.push(cpu);
    this.gone++;
  }

  /** Without memory to prepare it the CPU stays where it is, until the next time. */
  private bringOne(): boolean {
    const [cpu] = this.absent;
    if (cpu === undefined || this.kernel.cpuUp(cpu) !== 0) return false;
    this.absent.shift();
    this.back++;
    return true;
  }

  /** Brings all CPUs back, for good. */
  finish(): void {
    while (this.bringOne());
  }
}
