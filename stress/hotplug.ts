// SPDX-License-Identifier: GPL-2.0-only
/**
 * CPU hotplug during a run: at a fixed interval a CPU that is offline comes back, and a random
 * online one goes. A task on a thread of its own does that: it waits for other tasks, and the main
 * thread must stay free to clean up after tasks that die meanwhile.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { attach, type Kernel, systemOf, threadOf } from "../src/kernel/kernel.ts";
import type { SharedKernel } from "../src/kernel/shared-kernel.ts";
import { DirectMemory } from "../src/machine/direct-memory.ts";
import { Dmesg, type DmesgLine } from "../src/machine/dmesg.ts";
import { kernelBuild, type LoadedBuild } from "./build.ts";
import { CPU_DOWN, CPU_UP, StressControl } from "./control.ts";
import type { BuildPlan, TaskFailure } from "./protocol.ts";
import { Random } from "./random.ts";
import { failRun } from "./task-failure.ts";

/** Looks so often whether it is time, and whether the round is over. */
const LOOK_MS = 20;
/** A wait longer than this is a deadlock; shorter than the watchdog's patience, and says more. */
const WAIT_LIMIT_MS = 10_000;
/** Added to the seed for the choice of CPUs. */
const WHICH_CPUS = 0x2000;

export interface HotplugCounts {
  readonly gone: number;
  readonly back: number;
}

export interface HotplugPlan {
  readonly build: BuildPlan;
  /** Tasks that allocate. */
  readonly tasks: number;
  /** Ms from one change to the next. */
  readonly interval: number;
  readonly seed: number;
}

export interface HotplugReport extends HotplugCounts {
  readonly dmesg: readonly DmesgLine[];
  readonly failed: TaskFailure | undefined;
}

/** The calls of workers/hotplug.ts. */
export interface HotplugThread {
  boot(plan: HotplugPlan): Promise<void>;
  /** Takes and brings CPUs until the round is over. */
  run(): Promise<HotplugReport>;
  /** Brings all CPUs back, for good. */
  finish(): HotplugReport;
}

export class HotplugLoop {
  private readonly kernel: Kernel;
  private readonly control: StressControl;
  private readonly plan: HotplugPlan;
  private readonly random: Random;
  /** CPUs that are gone, the one that went first at the start. */
  private readonly absent: number[] = [];
  /** Ms of all rounds so far, and when the next change is due. */
  private worked = 0;
  private due: number;
  private logged = 0;
  private gone = 0;
  private back = 0;
  private failed: TaskFailure | undefined;
  private readonly dmesg = new Dmesg();

  constructor(shared: SharedKernel, plan: HotplugPlan, loaded: LoadedBuild) {
    this.plan = plan;
    this.kernel = attach(shared, kernelBuild(loaded, DirectMemory, this.dmesg.sink));
    threadOf(this.kernel).waitLimit = WAIT_LIMIT_MS;
    this.control = new StressControl(systemOf(this.kernel).machine, plan.tasks);
    this.random = new Random(plan.seed, WHICH_CPUS);
    this.due = plan.interval;
  }

  async run(): Promise<HotplugReport> {
    const start = performance.now();
    const before = this.worked;
    while (!this.control.stopped) {
      await sleep(LOOK_MS);
      this.worked = before + performance.now() - start;
      if (this.worked >= this.due) this.guard(() => this.change());
    }
    return this.report();
  }

  finish(): HotplugReport {
    this.guard(() => {
      while (this.bringOne());
    });
    return this.report();
  }

  private change(): void {
    // Changes that were due between two rounds are not made up for.
    this.due = Math.max(this.due + this.plan.interval, this.worked);
    if (this.absent.length > 0) this.bringOne();
    this.takeOne();
  }

  private takeOne(): void {
    const cpu = this.random.pluck(this.kernel.onlineCpus());
    if (this.logging(CPU_DOWN, cpu, () => this.kernel.cpuDown(cpu)) !== 0) return;
    this.absent.push(cpu);
    this.gone++;
  }

  /** Without memory to prepare it the CPU stays where it is, until the next time. */
  private bringOne(): boolean {
    const [cpu] = this.absent;
    if (cpu === undefined) return false;
    if (this.logging(CPU_UP, cpu, () => this.kernel.cpuUp(cpu)) !== 0) return false;
    this.absent.shift();
    this.back++;
    return true;
  }

  private logging(operation: number, cpu: number, work: () => number): number {
    const { control } = this;
    const entry = control.begin(control.hotplugTask, this.logged++, operation, cpu);
    const error = work();
    control.end(entry, cpu);
    return error;
  }

  private guard(work: () => void): void {
    const { control, kernel, plan } = this;
    const task = control.hotplugTask;
    control.activate(task);
    try {
      work();
    } catch (error) {
      const mutated = plan.build.mutation !== undefined;
      this.failed ??= failRun(error, task, { kernel, control, mutated });
    }
    control.deactivate(task);
  }

  private report(): HotplugReport {
    const { gone, back, failed } = this;
    return { gone, back, failed, dmesg: this.dmesg.lines };
  }
}
