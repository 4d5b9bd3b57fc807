/**
 * A stress run, seen from the main thread: starts the threads and works in rounds. Between two
 * rounds the machine is quiet and everything is audited; the first rounds are short, so that a broken
 * allocator is caught early. In the end all is given back, and every page must be where it was.
 */
import type { Kernel } from "../src/kernel/kernel.ts";
import { MachineOptionsError } from "../src/machine/machine.ts";
import { quoted } from "../src/machine/quoted.ts";
import { bugOf } from "./bug.ts";
import { Crew, ThreadDied } from "./crew.ts";
import { type Death, inTheWakeOf } from "./deaths.ts";
import { histories, type StressFailure } from "./failure.ts";
import { HotplugTour } from "./hotplug.ts";
import { buildPlan, type Outcome, type StressOptions, type StressProgress } from "./options.ts";
import { NOTHING_DONE, nothingBooted, outcomeOf } from "./outcome.ts";
import type { TaskFailure, TaskReport } from "./protocol.ts";
import { Random } from "./random.ts";
import { StressSite } from "./site.ts";
import { lockUsage, memoryUsage } from "./usage.ts";
import { Watchdog } from "./watchdog.ts";

const FIRST_ROUND_MS = 500;
const LONGEST_ROUND_MS = 4_000;
const WATCH_MS = 200;
const STEPS_A_SECTION = 50;
/** Tasks that the torture's preemption has beyond one a CPU. */
const SPARE_TASKS = 2;
/** Who waits for a dead task learns it from the task's state; nobody else waits longer than this. */
const GRACE_MS = 2_000;
/** A round has no more operations than a word can count. */
const MOST_OPERATIONS_A_ROUND = 2 ** 30;
/** Of the seed, for which CPUs go. */
const TOUR = 0x2000;
/** Stands for the main thread where a failure names its task. */
const MAIN = -1;

export interface StressHooks {
  /** Told a few times a second how far the run is. */
  readonly progress?: (progress: StressProgress, run: StressRun) => void;
  /** Ends the run early, with all that is known so far. */
  readonly signal?: AbortSignal;
  /** How long a CPU may make no step, in ms; by default that of the watchdog. */
  readonly patience?: number;
}

/** The options cannot be met; the message says why. */
export class BadOptions extends Error {}

/** What no machine boots with is no mutation of an allocator. */
function unbootable(mutation: string, error: unknown): BadOptions {
  const why = quoted(error instanceof Error ? error.message : String(error));
  return new BadOptions(`${mutation}: no machine boots with it: ${why}`, { cause: error });
}

/** Runs to the end. @throws BadOptions */
export async function stress(options: StressOptions, hooks: StressHooks = {}): Promise<Outcome> {
  const tasks = options.cpus + (options.migrations > 0 ? SPARE_TASKS : 0);
  let site: StressSite;
  try {
    site = new StressSite(options, buildPlan(options), tasks);
  } catch (error) {
    if (error instanceof MachineOptionsError) throw new BadOptions(error.message, { cause: error });
    const bug = bugOf(error, false);
    if (bug !== undefined) return nothingBooted(options, tasks, bug);
    const { mutation } = options;
    if (mutation !== undefined) throw unbootable(mutation, error);
    if (error instanceof RangeError) throw new BadOptions(error.message, { cause: error });
    throw error;
  }
  const run = new StressRun(options, tasks, site, hooks);
  try {
    return await run.toTheEnd();
  } finally {
    await run.close();
  }
}

export class StressRun {
  private readonly options: StressOptions;
  private readonly hooks: StressHooks;
  private readonly tasks: number;
  private readonly site: StressSite;
  private readonly watchdog: Watchdog;
  private readonly crew: Crew;
  private readonly tour: HotplugTour;

  private reports: TaskReport[] = [];
  private rounds = 0;
  private milliseconds = 0;
  private audits = 0;
  private failure: StressFailure | undefined;
  private died: string | undefined;
  private readonly deaths: Death[] = [];
  /** Objects of the dead, by task, once they were counted. */
  private held: ReadonlyMap<number, number> | undefined;

  constructor(options: StressOptions, tasks: number, site: StressSite, hooks: StressHooks) {
    this.options = options;
    this.hooks = hooks;
    this.tasks = tasks;
    this.site = site;
    const interval = (options.hotplug ?? Number.POSITIVE_INFINITY) * 1000;
    this.tour = new HotplugTour(site.kernel, interval, new Random(options.seed, TOUR));
    this.watchdog = new Watchdog(site.kernel, site.control, hooks.patience);
    this.crew = new Crew(site.kernel.shared, tasks, (death) => this.bury(death));
  }

  /** For a look at the machine while it works. */
  get kernel(): Kernel {
    return this.site.kernel;
  }

  async toTheEnd(): Promise<Outcome> {
    const { options, site, tasks } = this;
    await this.bootTasks();
    site.armFaults(options);
    await this.work();
    site.disarmFaults();
    const used = { memory: memoryUsage(site.kernel), locks: lockUsage(site.kernel) };
    if (this.isHealthy) await this.giveBack();
    return outcomeOf(options, site, used, {
      tasks,
      reports: this.reports,
      rounds: this.rounds,
      milliseconds: this.milliseconds,
      audits: this.audits,
      failure: this.failure,
      died: this.died,
      interrupted: this.isInterrupted,
      injected: site.injected,
      hotplug: this.tour.counts,
      deaths: this.deaths.map((death) => ({
        ...death,
        held: this.heldBy(death.task),
        remains: site.remainsOf(death.task),
      })),
    });
  }

  async close(): Promise<void> {
    await this.crew.close();
  }

  /** Ends one task's thread by force, in mid-operation. */
  async kill(task: number): Promise<void> {
    await this.crew.kill(task);
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
  private async bootTasks(): Promise<void> {
    const { options, tasks, site } = this;
    const { seed, workload } = options;
    const build = buildPlan(options);
    // Who takes CPUs away needs one himself, and soon.
    const stepsASection = options.hotplug === undefined ? STEPS_A_SECTION : 1;
    for (let task = 0; task < tasks; task++) {
      const cpu = tasks === options.cpus && options.hotplug === undefined ? task : -1;
      const { caches } = site;
      const plan = { build, task, tasks, cpu, stepsASection, seed, workload, caches };
      await this.crew
        .ask(task, (api) => api.boot(plan))
        .catch((error: unknown) => {
          const { mutation } = options;
          if (mutation === undefined || error instanceof ThreadDied) throw error;
          throw unbootable(mutation, error);
        });
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
    const { control } = this.site;
    const { signal } = this.hooks;
    const round = ++this.rounds;
    const begin = performance.now();
    const stop = (): void => control.stop();
    control.reset();
    const timer = setTimeout(stop, milliseconds);
    const tour = this.every(Math.min(WATCH_MS, this.tour.interval), () => {
      if (this.isHealthy) this.tour.tick(this.milliseconds + performance.now() - begin);
    });
    const show = this.every(WATCH_MS, () => this.show(begin));
    signal?.addEventListener("abort", stop);
    if (signal?.aborted) stop();
    try {
      this.take(await this.watched(this.crew.askAll((api) => api.run(round, operations))));
    } finally {
      clearTimeout(timer);
      clearInterval(tour);
      clearInterval(show);
      signal?.removeEventListener("abort", stop);
    }
    this.milliseconds += performance.now() - begin;
    this.site.readStatistics();
  }

  /** `work`, with an eye on tasks that do not get on: they are ended, or it would not end. */
  private async watched<T>(work: Promise<T>): Promise<T> {
    this.watchdog.reset();
    const watch = this.every(WATCH_MS, () => {
      const stuck = this.watchdog.check(performance.now());
      if (stuck === undefined) return;
      const { message, task } = stuck;
      if (this.failure === undefined) {
        this.fail({ failure: "livelock", message, stack: "", first: true }, task);
      }
      void this.kill(task);
    });
    try {
      return await work;
    } finally {
      clearInterval(watch);
    }
  }

  /** What is done from time to time, behind everybody's back: what goes wrong there ends the run. */
  private every(milliseconds: number, act: () => void): NodeJS.Timeout {
    return setInterval(() => {
      try {
        this.guard(act);
      } catch (error) {
        this.died ??= `the run itself went wrong: ${error instanceof Error ? error.stack : error}`;
        this.site.control.stop();
      }
    }, milliseconds);
  }

  /** A glance at the running round, for who looks on. */
  private show(begin: number): void {
    const now = performance.now();
    let operations = 0;
    for (let task = 0; task < this.tasks; task++) operations += this.site.control.begun(task);
    const seconds = (this.milliseconds + now - begin) / 1000;
    this.hooks.progress?.({ seconds, operations }, this);
  }

  /** Takes the tasks' answers; the first failure is the run's. */
  private take(answers: readonly (TaskReport | ThreadDied)[]): void {
    const before = this.reports;
    this.reports = answers.map((answer, task) =>
      answer instanceof ThreadDied ? (before[task] ?? NOTHING_DONE) : answer,
    );
    const failures = this.reports.flatMap(({ failed }, task) =>
      failed === undefined ? [] : [{ failed, task }],
    );
    const worst = failures.find(({ failed }) => failed.first) ?? failures[0];
    if (worst !== undefined && this.failure === undefined) this.fail(worst.failed, worst.task);
  }

  private fail({ failure, message, stack }: TaskFailure, task: number): void {
    const { kernel, control } = this.site;
    control.stop();
    if (failure === undefined) {
      this.died ??= `task ${task} went wrong: ${stack}`;
      return;
    }
    const lastOperations = histories(kernel, control, this.tasks);
    this.failure = { class: failure, message, task, stack, findings: [], lastOperations };
  }

  /**
   * A thread has ended. Where it was ended from outside the others go on, if they can; otherwise they
   * stop, and whoever waits for it is told.
   */
  private bury({ task, sudden, message }: ThreadDied): void {
    const { site } = this;
    const last = histories(site.kernel, site.control, this.tasks)[task]?.operations.at(-1);
    const doing = last?.what ?? "nothing";
    let cut: number[] = [];
    this.guard(() => {
      cut = site.bury(task);
    });
    site.control.dismiss(this.rounds);
    site.control.setActive(task, false);
    if (sudden && this.isHealthy) {
      this.deaths.push({ task, doing });
      if (cut.length === 0) return;
      const message = `deadlock: held by dead CPU ${cut} (task ${task}), which died in the middle of a change to its data at ${doing}`;
      this.fail({ failure: "deadlock", message, stack: "", first: true }, task);
    }
    site.control.stop();
    setTimeout(() => site.kernel.thread.panic(), GRACE_MS).unref();
    if (this.failure !== undefined) return;
    this.died ??= `task ${task} died at ${doing}: ${message}`;
  }

  // ---- quiet moments ----

  /** Audits the quiet machine. */
  private check(): void {
    this.guard(() => {
      this.audits++;
      const findings = this.site.audit(this.deaths.map(({ task }) => task));
      const [first] = findings;
      if (first === undefined) return;
      const message = first.message + inTheWakeOf(this.deaths);
      this.fail({ failure: first.failure, message, stack: "", first: true }, MAIN);
      if (this.failure !== undefined) this.failure = { ...this.failure, findings };
    });
  }

  /** What the main thread does with the allocator may show that it is broken. */
  private guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      const bug = bugOf(error, this.options.mutation !== undefined);
      if (bug === undefined) throw error;
      const { failure, message, stack = "" } = bug;
      this.fail({ failure, message, stack, first: true }, MAIN);
    }
  }

  /** Everything is given back, and must all be there. */
  private async giveBack(): Promise<void> {
    this.guard(() => this.tour.finish());
    this.take(await this.watched(this.crew.askAll((api) => api.finish())));
    const dead = this.deaths.map(({ task }) => task);
    this.guard(() => this.site.emptyMailboxes(dead));
    if (this.isHealthy) this.guard(() => this.site.settle());
    if (this.isHealthy) this.check();
    this.site.readStatistics();
    if (this.isHealthy) this.guard(() => this.checkWhatIsLeft(dead));
  }

  private checkWhatIsLeft(dead: readonly number[]): void {
    if (dead.length === 0) this.site.checkAllBack();
    else this.held = this.site.checkOnlyTheDeadHold(dead);
  }
}
