// SPDX-License-Identifier: GPL-2.0-only
/**
 * A stress run, seen from the main thread: starts the threads and works in rounds. Between two
 * rounds the machine is quiet and everything is audited; the first rounds are short, so that a broken
 * allocator is caught early. In the end all is given back, and every page must be where it was.
 */
import type { Remote } from "comlink";
import { type Kernel, threadOf } from "../src/kernel/kernel.ts";
import type { UnreferencedObject } from "../src/kernel/kmemleak.ts";
import type { DmesgLine } from "../src/machine/dmesg.ts";
import { MachineOptionsError } from "../src/machine/machine.ts";
import { PANICKED } from "../src/machine/panic.ts";
import { quoted } from "../src/machine/quoted.ts";
import { bugOf } from "./bug.ts";
import { loadBuild } from "./build.ts";
import { type Death, inTheWakeOf } from "./deaths.ts";
import { histories, type StressFailure, type TaskHistory } from "./failure.ts";
import type { HotplugCounts, HotplugReport, HotplugThread } from "./hotplug.ts";
import {
  buildPlan,
  type Outcome,
  type StressOptions,
  type StressProgress,
  workloadFailsFrom,
} from "./options.ts";
import { NOTHING_DONE, NOTHING_USED, nothingBooted, outcomeOf } from "./outcome.ts";
import type { TaskFailure, TaskReport } from "./protocol.ts";
import { StressedMachine } from "./stressed-machine.ts";
import { ThreadRefused } from "./thread-refused.ts";
import { usageOf } from "./usage.ts";
import { type Stuck, WATCH_MS, Watchdog } from "./watchdog.ts";
import { orDeath, WorkerPool } from "./worker-pool.ts";
import { ThreadDied } from "./worker-thread.ts";

const FIRST_ROUND_MS = 500;
const LONGEST_ROUND_MS = 4_000;
const STEPS_A_SECTION = 50;
/** Tasks that the torture's preemption has beyond one a CPU. */
const SPARE_TASKS = 2;
/** A wait for a dead task ends by that task's state; no other wait lasts longer than this. */
const GRACE_MS = 2_000;
/** A round has no more operations than a word can count. */
const MOST_OPERATIONS_A_ROUND = 2 ** 30;
/** Stands for the main thread where a failure names its task. */
const MAIN = -1;

export interface StressHooks {
  /** Told a few times a second how far the run is. */
  readonly progress?: (progress: StressProgress, run: StressRun) => void;
  /** Ends the run early, with all that is known so far. */
  readonly signal?: AbortSignal;
  /** How long a task may make no step, in ms; by default that of the watchdog. */
  readonly patience?: number;
}

/** The options cannot be met; the message says why. */
export class BadOptions extends Error {}

/** A mutation with which no machine boots is bad usage, not a failure found. */
function unbootable(mutation: string, error: unknown): BadOptions {
  const why = quoted(error instanceof Error ? error.message : String(error));
  return new BadOptions(`${mutation}: no machine boots with it: ${why}`, { cause: error });
}

/** Runs to the end. @throws BadOptions, ThreadRefused */
export async function stress(options: StressOptions, hooks: StressHooks = {}): Promise<Outcome> {
  const tasks = options.cpus + (options.migrations > 0 ? SPARE_TASKS : 0);
  const build = await loadBuild(buildPlan(options));
  let stressed: StressedMachine;
  try {
    stressed = new StressedMachine(options, build, tasks);
  } catch (error) {
    if (error instanceof MachineOptionsError) throw new BadOptions(error.message, { cause: error });
    const bug = bugOf(error, false);
    if (bug !== undefined) return nothingBooted(options, tasks, bug);
    const { mutation } = options;
    if (mutation !== undefined) throw unbootable(mutation, error);
    if (error instanceof RangeError) throw new BadOptions(error.message, { cause: error });
    throw error;
  }
  const wanted = { hotplug: options.hotplug !== undefined, mutation: options.mutation };
  const pool = await WorkerPool.open(stressed.kernel.shared, tasks, wanted);
  try {
    return await new StressRun(options, stressed, pool, hooks).toTheEnd();
  } finally {
    await pool.close();
  }
}

export class StressRun {
  private readonly options: StressOptions;
  private readonly hooks: StressHooks;
  private readonly tasks: number;
  private readonly stressed: StressedMachine;
  private readonly watchdog: Watchdog;
  private readonly pool: WorkerPool;

  private reports: TaskReport[] = [];
  private hotplugCounts: HotplugCounts = { gone: 0, back: 0 };
  private hotplugDmesg: readonly DmesgLine[] = [];
  private rounds = 0;
  private milliseconds = 0;
  private audits = 0;
  private failure: StressFailure | undefined;
  /** The failure is only that of a thread that met the panic of another one. */
  private isSecondHand = false;
  private died: string | undefined;
  private readonly deaths: Death[] = [];
  private leaks: readonly UnreferencedObject[] = [];
  /** Objects of the dead, by task, once they were counted. */
  private held: ReadonlyMap<number, number> | undefined;

  constructor(
    options: StressOptions,
    stressed: StressedMachine,
    pool: WorkerPool,
    hooks: StressHooks,
  ) {
    this.options = options;
    this.hooks = hooks;
    this.tasks = pool.tasks;
    this.stressed = stressed;
    this.watchdog = new Watchdog(stressed.kernel, stressed.control, hooks.patience);
    this.pool = pool;
    pool.onDeath = (task, death) => this.bury(task, death);
  }

  /** For a look at the machine while it works. */
  get kernel(): Kernel {
    return this.stressed.kernel;
  }

  async toTheEnd(): Promise<Outcome> {
    const { options, stressed, tasks } = this;
    await this.bootThreads();
    stressed.armFaults(options);
    await this.work();
    stressed.disarmFaults();
    if (this.isHealthy) this.guard(() => this.show());
    const used = this.guard(() => usageOf(stressed.kernel)) ?? NOTHING_USED;
    if (this.isHealthy) await this.giveBack();
    return outcomeOf(options, stressed, used, {
      tasks,
      reports: this.reports,
      rounds: this.rounds,
      milliseconds: this.milliseconds,
      audits: this.audits,
      failure: this.failure,
      died: this.died,
      interrupted: this.isInterrupted,
      injected: stressed.injected(options),
      hotplug: this.hotplugCounts,
      hotplugDmesg: this.hotplugDmesg,
      leaks: this.leaks,
      deaths: this.deaths.map((death) => ({
        ...death,
        held: this.heldBy(death.task),
        remains: stressed.remainsOf(death.task),
      })),
    });
  }

  /** Ends one task's thread by force, in mid-operation. */
  async kill(task: number): Promise<void> {
    await this.pool.kill(task);
  }

  private heldBy(task: number): number | undefined {
    return this.held === undefined ? undefined : (this.held.get(task) ?? 0);
  }

  private get isHealthy(): boolean {
    return this.failure === undefined && this.died === undefined;
  }

  private get isInterrupted(): boolean {
    return this.hooks.signal?.aborted ?? false;
  }

  /** One after the other, so that each gets the machine's task number that it always has. */
  private async bootThreads(): Promise<void> {
    const { options, tasks, stressed, pool } = this;
    const { seed, workload, mutation } = options;
    const build = buildPlan(options);
    const interval = (options.hotplug ?? 0) * 1000;
    const failsFrom = workloadFailsFrom(options);
    // Hotplug needs a CPU itself, and soon.
    const stepsASection = pool.hotplug === undefined ? STEPS_A_SECTION : 1;
    try {
      for (let task = 0; task < tasks; task++) {
        const cpu = tasks === options.cpus && pool.hotplug === undefined ? task : -1;
        const { caches } = stressed;
        const groups = options.groups ?? 0;
        const plan = {
          build,
          task,
          tasks,
          cpu,
          stepsASection,
          seed,
          workload,
          failsFrom,
          caches,
          groups,
        };
        await pool.ask(task, (api) => api.boot(plan));
      }
      await pool.hotplug?.ask((api) => api.boot({ build, tasks, interval, seed }));
    } catch (error) {
      if (error instanceof ThreadDied) throw new ThreadRefused(error.message, { cause: error });
      throw mutation === undefined ? error : unbootable(mutation, error);
    }
  }

  // ---- rounds ----

  private async work(): Promise<void> {
    let length = FIRST_ROUND_MS;
    while (this.isHealthy && !this.isInterrupted && this.deaths.length < this.tasks) {
      const time = this.millisecondsLeft();
      const operations = this.operationsLeft();
      if (time <= 0 || operations <= 0) return;
      await this.round(Math.min(length, time), Math.min(operations, MOST_OPERATIONS_A_ROUND));
      if (this.isHealthy) this.check();
      length = Math.min(LONGEST_ROUND_MS, length * 2);
    }
  }

  private millisecondsLeft(): number {
    const { seconds } = this.options;
    return seconds === undefined ? Number.POSITIVE_INFINITY : seconds * 1000 - this.milliseconds;
  }

  private operationsLeft(): number {
    const { operations = Number.POSITIVE_INFINITY } = this.options;
    return operations - this.reports.reduce((sum, report) => sum + report.operations, 0);
  }

  private async round(milliseconds: number, operations: number): Promise<void> {
    const { control } = this.stressed;
    const { signal } = this.hooks;
    const round = ++this.rounds;
    const begin = performance.now();
    const stop = (): void => control.stop();
    control.reset();
    const timer = setTimeout(stop, milliseconds);
    const show = this.every(WATCH_MS, () => this.show(performance.now() - begin));
    signal?.addEventListener("abort", stop);
    if (signal?.aborted) stop();
    try {
      await this.watched(
        Promise.all([
          this.pool.askAll((api) => api.run(round, operations)).then((all) => this.take(all)),
          this.askHotplug((api) => api.run()),
        ]),
      );
    } finally {
      clearTimeout(timer);
      clearInterval(show);
      signal?.removeEventListener("abort", stop);
    }
    this.milliseconds += performance.now() - begin;
    this.guard(() => this.stressed.readStatistics());
  }

  /**
   * Does `work` under the watchdog: a task that makes no progress is ended, or the work would not
   * end.
   */
  private async watched<T>(work: Promise<T>): Promise<T> {
    this.watchdog.reset();
    let ending: Promise<void> | undefined;
    const watch = this.every(WATCH_MS, () => {
      if (ending !== undefined) return;
      const stuck = this.watchdog.look();
      if (stuck === undefined) return;
      // Others may run in circles as well: none of them sees that the run is to stop.
      ending = this.endStuck(stuck).then(() => {
        ending = undefined;
      });
    });
    try {
      return await work;
    } finally {
      clearInterval(watch);
    }
  }

  /** Ends a task that runs in circles, and says where it does. */
  private async endStuck({ task, message }: Stuck): Promise<void> {
    const { stack, lines } = await this.pool.sampled(task);
    const where = lines.length === 0 ? "" : `; it runs in circles over ${lines.join(", ")}`;
    const failed = { failure: "livelock", message: `${message}${where}`, stack } as const;
    this.fail({ ...failed, first: true }, task);
    await this.kill(task);
  }

  /** A periodic job of the main thread; an error in it ends the run. */
  private every(milliseconds: number, act: () => void): NodeJS.Timeout {
    return setInterval(() => {
      try {
        this.guard(act);
      } catch (error) {
        this.died ??= `the run itself went wrong: ${error instanceof Error ? error.stack : error}`;
        this.stressed.control.stop();
      }
    }, milliseconds);
  }

  /** The progress of the run, for the user; its present round has lasted so long. */
  private show(roundMs = 0): void {
    const { control } = this.stressed;
    let operations = 0;
    for (let task = 0; task < this.tasks; task++) operations += control.begun(task);
    const seconds = (this.milliseconds + roundMs) / 1000;
    this.hooks.progress?.({ seconds, operations }, this);
  }

  /** Takes the tasks' answers. */
  private take(answers: readonly (TaskReport | ThreadDied)[]): void {
    const before = this.reports;
    this.reports = answers.map((answer, task) =>
      answer instanceof ThreadDied ? (before[task] ?? NOTHING_DONE) : answer,
    );
    for (const [task, { failed }] of this.reports.entries()) {
      if (failed !== undefined) this.fail(failed, task);
    }
  }

  private async askHotplug(
    call: (api: Remote<HotplugThread>) => Promise<HotplugReport>,
  ): Promise<void> {
    const { hotplug, tasks } = this.pool;
    if (hotplug === undefined) return;
    const report = await orDeath(hotplug.ask(call));
    if (report instanceof ThreadDied) return;
    const { failed, dmesg, ...counts } = report;
    this.hotplugCounts = counts;
    this.hotplugDmesg = dmesg;
    if (failed !== undefined) this.fail(failed, tasks);
  }

  /** The first failure is the run's; that another thread has failed says less than what it met. */
  private fail({ failure, message, stack, first }: TaskFailure, task: number): void {
    this.stressed.control.stop();
    if (failure === undefined) {
      this.died ??= `task ${task} went wrong: ${stack}`;
      return;
    }
    if (this.failure !== undefined && !(this.isSecondHand && first)) return;
    this.isSecondHand = !first;
    const lastOperations = this.histories();
    this.failure = { class: failure, message, task, stack, findings: [], lastOperations };
  }

  private histories(): TaskHistory[] {
    const { stressed, tasks, pool } = this;
    const logs = pool.hotplug === undefined ? tasks : tasks + 1;
    return histories(stressed.kernel, stressed.control, logs);
  }

  /**
   * A thread has ended. Where it was ended from outside the others go on, if they can; otherwise they
   * stop, and a thread that waits for it is told.
   */
  private bury(task: number, { sudden, message }: ThreadDied): void {
    const { stressed } = this;
    const doing = this.histories()[task]?.operations.at(-1)?.what ?? "nothing";
    const cut = this.guard(() => stressed.bury(task)) ?? [];
    if (task < this.tasks) stressed.control.dismiss(this.rounds);
    stressed.control.deactivate(task);
    if (sudden && this.isHealthy && task < this.tasks) {
      this.deaths.push({ task, doing });
      if (cut.length === 0) return;
      const message = `deadlock: held by dead CPU ${cut} (task ${task}), which died in the middle of a change to its data at ${doing}`;
      this.fail({ failure: "deadlock", message, stack: "", first: true }, task);
    }
    stressed.control.stop();
    setTimeout(() => threadOf(stressed.kernel).panic(), GRACE_MS).unref();
    if (this.failure !== undefined) return;
    this.died ??= `task ${task} died at ${doing}: ${message}`;
  }

  // ---- quiet moments ----

  /** Audits the quiet machine. */
  private check(): void {
    this.guard(() => {
      this.audits++;
      const findings = this.stressed.audit(this.deaths.map(({ task }) => task));
      const [first] = findings;
      if (first === undefined) return;
      const message = first.message + inTheWakeOf(this.deaths);
      this.fail({ failure: first.failure, message, stack: "", first: true }, MAIN);
      if (this.failure !== undefined) this.failure = { ...this.failure, findings };
    });
  }

  /** Work of the main thread with the allocator, which may find it broken. */
  private guard<T>(work: () => T): T | undefined {
    this.stressed.beginWork();
    try {
      return work();
    } catch (error) {
      const bug = bugOf(error, this.options.mutation !== undefined);
      if (bug === undefined) throw error;
      const { failure, message, stack = "" } = bug;
      this.fail({ failure, message, stack, first: message !== PANICKED }, MAIN);
      return undefined;
    }
  }

  /** Everything is given back, and must all be there. */
  private async giveBack(): Promise<void> {
    await this.watched(this.askHotplug((api) => api.finish()));
    await this.watched(this.pool.askAll((api) => api.finish()).then((all) => this.take(all)));
    const dead = this.deaths.map(({ task }) => task);
    this.guard(() => this.stressed.emptyMailboxes(dead));
    if (this.isHealthy) this.leaks = this.guard(() => this.stressed.findLeaks()) ?? [];
    if (this.isHealthy) this.guard(() => this.stressed.settle());
    if (this.isHealthy) this.check();
    this.guard(() => this.stressed.readStatistics());
    if (this.isHealthy) this.guard(() => this.checkWhatIsLeft(dead));
  }

  private checkWhatIsLeft(dead: readonly number[]): void {
    if (dead.length === 0) this.stressed.checkAllBack();
    else this.held = this.stressed.checkOnlyTheDeadHold(dead);
  }
}
