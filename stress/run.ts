/**
 * A stress run, seen from the main thread: boots the machine, starts the threads, and works in
 * rounds. Between two rounds the machine is quiet and everything is audited; the first rounds are
 * short, so that a broken allocator is caught early. In the end all objects are given back, all
 * caches shrunk, and every page must be where it was.
 */
import { audit } from "../src/check/audit.ts";
import { Ledger, ledgerBytes } from "../src/check/ledger.ts";
import { boot, type Kernel } from "../src/kernel/kernel.ts";
import { sizeOfTask, TASK_DEAD, Task } from "../src/machine/cpus.ts";
import { KernelBug } from "../src/machine/kernel-bug.ts";
import type { Address } from "../src/machine/memory.ts";
import { kernelBuild } from "./build.ts";
import { controlBytes, StressControl } from "./control.ts";
import { Crew, ThreadDied } from "./crew.ts";
import { CACHE_PREFIX } from "./driver.ts";
import { histories, type StressFailure } from "./failure.ts";
import { buildPlan, type Outcome, type StressOptions, type StressProgress } from "./options.ts";
import type { BuildPlan, TaskFailure, TaskReport } from "./protocol.ts";
import { StatisticsTally } from "./statistics.ts";
import { lockUsage, memoryUsage } from "./usage.ts";
import { Watchdog } from "./watchdog.ts";
import { WORKLOADS } from "./workloads/index.ts";

const FIRST_ROUND_MS = 500;
const LONGEST_ROUND_MS = 4_000;
const WATCH_MS = 200;
/** Tasks that the torture's preemption has beyond one a CPU. */
const SPARE_TASKS = 2;
/** Who waits for a dead task learns it from the task's state; nobody waits longer than this. */
const GRACE_MS = 2_000;

/** Of a task that died in its first round. */
const NO_REPORT: TaskReport = {
  operations: 0,
  refused: 0,
  inflicted: { interrupts: 0, preemptions: 0, migrations: 0, delays: 0 },
  destroyed: [],
  failed: undefined,
};

export interface StressHooks {
  /** Told a few times a second how far the run is. */
  readonly progress?: (progress: StressProgress, run: StressRun) => void;
  /** Ends the run early, with all that is known so far. */
  readonly signal?: AbortSignal;
}

/** Runs to the end. @throws RangeError with the reason where the options cannot be met. */
export async function stress(options: StressOptions, hooks: StressHooks = {}): Promise<Outcome> {
  const run = new StressRun(options, hooks);
  try {
    return await run.toTheEnd();
  } finally {
    await run.close();
  }
}

export class StressRun {
  readonly options: StressOptions;
  private readonly hooks: StressHooks;
  private readonly build: BuildPlan;
  private readonly tasks: number;
  private readonly kernel: Kernel;
  private readonly control: StressControl;
  private readonly ledger: Ledger | undefined;
  private readonly watchdog: Watchdog;
  private readonly tally = new StatisticsTally();
  private readonly pagesAtBoot: number;
  private readonly caches: readonly Address[];
  /** All caches that last as long as the run. */
  private readonly lasting: readonly Address[];
  private readonly crew: Crew;

  private reports: TaskReport[] = [];
  private rounds = 0;
  private milliseconds = 0;
  private audits = 0;
  private failure: StressFailure | undefined;
  private died: string | undefined;

  constructor(options: StressOptions, hooks: StressHooks) {
    this.options = options;
    this.hooks = hooks;
    this.build = buildPlan(options);
    this.tasks = options.cpus + (options.migrations > 0 ? SPARE_TASKS : 0);
    this.kernel = boot(
      {
        cpus: options.cpus,
        nodes: options.nodes,
        memory: options.memory,
        tasks: this.tasks + 1,
        era: options.era,
        seed: options.seed,
        checker: (options.ledger ? ledgerBytes(options.memory) : 0) + controlBytes(this.tasks),
      },
      kernelBuild(this.build, false),
    );
    this.control = new StressControl(this.kernel.machine, this.tasks);
    this.ledger = options.ledger ? new Ledger(this.kernel.common) : undefined;
    this.watchdog = new Watchdog(this.kernel, this.control);
    this.settle();
    this.pagesAtBoot = this.kernel.pages.freePagesTotal();
    this.caches = this.makeCaches();
    this.lasting = this.kernel.common.caches();
    this.tally.reset(this.kernel, this.lasting);
    this.crew = new Crew(this.kernel.shared, this.tasks, (death) => this.bury(death));
  }

  private makeCaches(): Address[] {
    const wishes = WORKLOADS.get(this.options.workload)?.caches ?? [];
    return wishes.map(({ size, flags = 0 }) => {
      const cache = this.kernel.kmemCacheCreate(`${CACHE_PREFIX}${size}`, size, { flags });
      if (cache === 0) throw new RangeError("memory does not suffice for the workload's caches");
      return cache;
    });
  }

  async toTheEnd(): Promise<Outcome> {
    await this.bootTasks();
    await this.work();
    const memory = memoryUsage(this.kernel);
    const locks = lockUsage(this.kernel);
    if (this.isHealthy) await this.giveBack();
    return this.outcome(memory, locks);
  }

  async close(): Promise<void> {
    await this.crew.close();
  }

  /** Ends one task's thread by force, in mid-operation. */
  async kill(task: number): Promise<void> {
    await this.crew.kill(task);
  }

  private get isHealthy(): boolean {
    return this.failure === undefined && this.died === undefined;
  }

  private get isInterrupted(): boolean {
    return this.hooks.signal?.aborted ?? false;
  }

  /** One after the other, so that each gets the machine's task number that it always has. */
  private async bootTasks(): Promise<void> {
    const { options, tasks, caches, build } = this;
    for (let task = 0; task < tasks; task++) {
      await this.crew.ask(task, (api) =>
        api.boot({
          build,
          task,
          tasks,
          cpu: tasks === options.cpus ? task : -1,
          seed: options.seed,
          workload: options.workload,
          caches,
        }),
      );
    }
  }

  // ---- rounds ----

  private async work(): Promise<void> {
    let length = FIRST_ROUND_MS;
    while (this.isHealthy && !this.isInterrupted) {
      const time = this.millisecondsLeft();
      const operations = this.operationsLeft();
      if (time <= 0 || operations <= 0) return;
      await this.round(Math.min(length, time), Math.ceil(operations / this.tasks));
      if (this.isHealthy) this.check();
      length = Math.min(LONGEST_ROUND_MS, length * 2);
    }
  }

  private millisecondsLeft(): number {
    const { seconds } = this.options;
    return seconds === undefined ? Number.POSITIVE_INFINITY : seconds * 1000 - this.milliseconds;
  }

  private operationsLeft(): number {
    const { operations } = this.options;
    return operations === undefined ? 2 ** 40 : operations - this.operations;
  }

  private get operations(): number {
    return this.reports.reduce((sum, report) => sum + report.operations, 0);
  }

  private async round(milliseconds: number, operations: number): Promise<void> {
    const { control } = this;
    const round = ++this.rounds;
    control.reset();
    const begin = performance.now();
    const timer = setTimeout(() => control.stop(), milliseconds);
    const watch = setInterval(() => this.look(begin), WATCH_MS);
    const stop = (): void => control.stop();
    this.hooks.signal?.addEventListener("abort", stop);
    if (this.isInterrupted) stop();
    try {
      this.take(await this.crew.askAll((api) => api.run(round, operations)));
    } finally {
      clearTimeout(timer);
      clearInterval(watch);
      this.hooks.signal?.removeEventListener("abort", stop);
      this.milliseconds += performance.now() - begin;
    }
  }

  private look(begin: number): void {
    const { hooks, control } = this;
    const now = performance.now();
    const stuck = this.watchdog.check(now);
    if (stuck !== undefined && this.failure === undefined) {
      this.fail(
        { failure: "livelock", message: stuck.message, stack: "", first: true },
        stuck.task,
      );
      void this.kill(stuck.task);
    }
    const begun = Array.from({ length: this.tasks }, (_, task) => control.begun(task));
    const milliseconds = this.milliseconds + now - begin;
    hooks.progress?.(
      { seconds: milliseconds / 1000, operations: begun.reduce((a, b) => a + b, 0) },
      this,
    );
  }

  /** Takes the tasks' answers; the first failure is the run's. */
  private take(answers: readonly (TaskReport | ThreadDied)[]): void {
    const before = this.reports;
    this.reports = answers.map((answer, task) =>
      answer instanceof ThreadDied ? (before[task] ?? NO_REPORT) : answer,
    );
    const failures = this.reports.flatMap(({ failed }, task) =>
      failed === undefined ? [] : [{ failed, task }],
    );
    const { failed, task } = failures.find(({ failed }) => failed.first) ?? failures[0] ?? {};
    if (failed !== undefined && task !== undefined && this.failure === undefined) {
      this.fail(failed, task);
    }
  }

  private fail(failed: TaskFailure, task: number): void {
    const { failure, message, stack } = failed;
    this.control.stop();
    if (failure === undefined) {
      this.died ??= `task ${task} went wrong: ${stack}`;
      return;
    }
    this.failure = {
      class: failure,
      message,
      task,
      stack,
      findings: [],
      lastOperations: histories(this.kernel, this.control, this.tasks),
    };
  }

  /** A thread has ended: whoever waits for it is told, and the others stop. */
  private bury({ task, message }: ThreadDied): void {
    const { layout } = this.kernel.machine;
    // The machine's task 0 is the main thread.
    const state = layout.taskBase + (task + 1) * sizeOfTask + Task.state;
    this.kernel.memory.storeRelease(state, TASK_DEAD);
    this.control.stop();
    const [last] =
      histories(this.kernel, this.control, this.tasks)[task]?.operations.slice(-1) ?? [];
    const doing = last === undefined ? "" : ` on CPU ${last.cpu}, at ${last.what}`;
    if (this.failure === undefined) this.died ??= `task ${task} died${doing}: ${message}`;
    setTimeout(() => this.kernel.thread.panic(), GRACE_MS).unref();
  }

  // ---- quiet moments ----

  /** Lets everything come to rest: callbacks, per-CPU pages. */
  private settle(): void {
    const { kernel } = this;
    kernel.run(() => {
      kernel.machine.rcu.barrier();
      for (const cache of kernel.common.caches()) kernel.kmemCacheShrink(cache);
      kernel.machine.rcu.barrier();
      kernel.pages.drainAllPages();
    });
  }

  /** Audits the quiet machine. */
  private check(): void {
    this.guard(() => {
      this.kernel.run(() => this.kernel.machine.rcu.barrier());
      this.tally.read(this.kernel, this.lasting);
      this.audits++;
      const findings = audit(this.kernel, this.ledger === undefined ? {} : { ledger: this.ledger });
      const [worst] = findings;
      if (worst === undefined) return;
      this.fail({ failure: worst.failure, message: worst.message, stack: "", first: true }, -1);
      if (this.failure !== undefined) this.failure = { ...this.failure, findings };
    });
  }

  /** What the main thread does with the allocator may show that it is broken. */
  private guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof KernelBug)) throw error;
      const { failure, message, stack = "" } = error;
      this.fail({ failure, message, stack, first: true }, -1);
    }
  }

  /** Everything is given back, and must all be there. */
  private async giveBack(): Promise<void> {
    this.take(await this.crew.askAll((api) => api.finish()));
    if (!this.isHealthy) return;
    this.guard(() => this.settle());
    if (this.isHealthy) this.check();
    if (!this.isHealthy) return;
    this.guard(() => {
      for (const cache of this.caches) this.destroy(cache);
      this.settle();
      const missing = this.pagesAtBoot - this.kernel.pages.freePagesTotal();
      if (missing === 0) return;
      const message = `${missing} pages did not come back after all was freed and shrunk`;
      this.fail({ failure: "leaked-page", message, stack: "", first: true }, -1);
    });
  }

  private destroy(cache: Address): void {
    const name = this.kernel.common.nameOf(cache);
    if (this.kernel.kmemCacheDestroy(cache) === 0) return;
    throw new KernelBug("lost-object", `${name} still has objects, and nobody holds any`);
  }

  private outcome(memory: Outcome["memory"], locks: Outcome["locks"]): Outcome {
    const { options, tally, kernel, reports } = this;
    for (const report of reports) tally.add(report.destroyed);
    const seconds = this.milliseconds / 1000;
    const sum = (of: (report: TaskReport) => number): number =>
      reports.reduce((total, report) => total + of(report), 0);
    return {
      operations: this.operations,
      seconds,
      operationsPerSecond: seconds === 0 ? 0 : this.operations / seconds,
      tasks: this.tasks,
      rounds: this.rounds,
      refused: sum((report) => report.refused),
      inflicted: {
        interrupts: sum((report) => report.inflicted.interrupts),
        preemptions: sum((report) => report.inflicted.preemptions),
        migrations: sum((report) => report.inflicted.migrations),
        delays: sum((report) => report.inflicted.delays),
      },
      perCpu: Array.from({ length: options.cpus }, (_, cpu) => ({
        cpu,
        node: kernel.machine.topology.cpuToNode(cpu),
        statistics: tally.named(cpu),
      })),
      stats: tally.named(),
      locks,
      memory,
      checks: {
        ledger: options.ledger,
        audits: this.audits,
        allCameBack: this.isHealthy,
      },
      failure: this.failure,
      died: this.died,
      interrupted: this.isInterrupted,
    };
  }
}
