// SPDX-License-Identifier: GPL-2.0-only
/**
 * Notices a task that makes no progress: it runs as a CPU whenever the watchdog looks, and begins
 * no operation of its own. A wait has a limit of its own, shorter than the watchdog's, and its
 * error names the word waited for; so a task that is caught here runs in circles.
 *
 * Time is counted in looks: while the whole process is stopped, neither looks nor progress are
 * made.
 */
import { type Kernel, systemOf } from "../src/kernel/kernel.ts";
import { Cpu, holderIn, isKept, sizeOfCpu, sizeOfTask, Task } from "../src/machine/cpus.ts";
import type { StressControl } from "./control.ts";
import { describeOperation } from "./failure.ts";

/** Ms between two looks. */
export const WATCH_MS = 200;

/** How long a task may make no step, in ms: usually, and once the run is to stop. */
const STUCK_MS = 15_000;
const STUCK_AT_STOP_MS = 5_000;

export interface Stuck {
  readonly task: number;
  readonly message: string;
}

/** The looks at a task since it last made progress. */
interface Sight {
  readonly progress: number;
  looks: number;
  looksStopping: number;
}

export class Watchdog {
  private readonly kernel: Kernel;
  private readonly control: StressControl;
  private readonly patience: number;
  private readonly sights: Sight[] = [];

  /** `patience`: ms that a task may make no step. */
  constructor(kernel: Kernel, control: StressControl, patience = STUCK_MS) {
    this.kernel = kernel;
    this.control = control;
    this.patience = patience;
  }

  /** Work begins anew: no task has been seen yet. */
  reset(): void {
    this.sights.length = 0;
  }

  /** Looks once, every WATCH_MS. Returns the task that has made no step for longest, if too long. */
  look(): Stuck | undefined {
    const { control, kernel, patience } = this;
    let longest = 0;
    let stuck: (() => Stuck) | undefined;
    for (let cpu = 0; cpu < systemOf(kernel).machine.options.cpus; cpu++) {
      const task = this.taskOn(cpu);
      if (task < 0 || !control.isActive(task)) continue;
      const { looks, looksStopping } = this.sightOf(task);
      const isTooLong = looks * WATCH_MS > patience || looksStopping * WATCH_MS > STUCK_AT_STOP_MS;
      if (!isTooLong || looks <= longest) continue;
      longest = looks;
      stuck = () => this.describe(cpu, task, looks * WATCH_MS);
    }
    return stuck?.();
  }

  private sightOf(task: number): Sight {
    const { control, sights } = this;
    const progress = control.progressOf(task);
    let sight = sights[task];
    if (sight?.progress !== progress) {
      sight = { progress, looks: 0, looksStopping: 0 };
      sights[task] = sight;
    }
    sight.looks++;
    if (control.stopped) sight.looksStopping++;
    return sight;
  }

  /** The stress task that runs as the CPU, or less than 0; the machine's task 0 is the main thread. */
  private taskOn(cpu: number): number {
    const { memory, machine } = systemOf(this.kernel);
    const lease = memory.loadAcquire(machine.layout.cpuBase + cpu * sizeOfCpu + Cpu.lease);
    const holder = holderIn(lease);
    if (!isKept(lease)) return holder - 2;
    // A task keeps its CPU also between two calls, where it does nothing.
    const inside = machine.layout.taskBase + (holder - 1) * sizeOfTask + Task.inside;
    return memory.loadAcquire(inside) === 0 ? -1 : holder - 2;
  }

  private describe(cpu: number, task: number, forMs: number): Stuck {
    const last = this.control.lastOperations(task).findLast(({ inInterrupt }) => !inInterrupt);
    const what = last === undefined ? "nothing yet" : describeOperation(last, this.kernel);
    const doing =
      last?.object === undefined ? `it is doing ${what}` : `its last operation was ${what}`;
    const seconds = Math.round(forMs / 1000);
    return {
      task,
      message: `CPU ${cpu} (task ${task}) has made no progress for ${seconds} s; ${doing}`,
    };
  }
}
