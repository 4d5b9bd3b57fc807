// SPDX-License-Identifier: GPL-2.0-only
/**
 * One task of a run, on its own thread: attaches, and drives its workload in rounds. A failure ends
 * the round: the first to fail sets the stop flag and the panic word, so that nobody waits for it.
 */
import { Ledger } from "../src/check/ledger.ts";
import { attach, type Kernel, systemOf, threadOf } from "../src/kernel/kernel.ts";
import type { SharedKernel } from "../src/kernel/shared-kernel.ts";
import { DirectMemory } from "../src/machine/direct-memory.ts";
import { Dmesg } from "../src/machine/dmesg.ts";
import { TorturedMemory } from "../src/machine/tortured-memory.ts";
import { kernelBuild, type LoadedBuild } from "./build.ts";
import { StressControl } from "./control.ts";
import { Driver } from "./driver.ts";
import { GroupLife } from "./groups.ts";
import { InterruptHandler } from "./interrupts.ts";
import { PolicyChanges } from "./policies.ts";
import type { InjectedEvents, TaskFailure, TaskPlan, TaskReport } from "./protocol.ts";
import { Random } from "./random.ts";
import { failRun } from "./task-failure.ts";
import { WORKLOADS } from "./workloads/index.ts";
import type { Player } from "./workloads/workload.ts";

/**
 * The machine's clock runs forty times as fast as ours: the kernel's periodic work (the reaper)
 * happens often in a short run, and finds caches that lay idle meanwhile.
 */
const JIFFY_MS = 0.1;
/** A CPU must come free in this time, or the run is stuck. */
const PATIENCE_MS = 60_000;
/** A wait longer than this is a deadlock; shorter than the watchdog's patience, and says more. */
const WAIT_LIMIT_MS = 10_000;
const NOTHING: InjectedEvents = { interrupts: 0, preemptions: 0, migrations: 0, delays: 0 };
/** Added to the seed for the random courses of interrupts, of changes to policies, and of groups. */
const INTERRUPTS = 0x1000;
const POLICIES = 0x2000;
const GROUPS = 0x4000;

export class StressTask {
  private readonly plan: TaskPlan;
  private readonly kernel: Kernel;
  private readonly control: StressControl;
  private readonly driver: Driver;
  private readonly player: Player;
  private readonly handler: InterruptHandler;
  private readonly policies: PolicyChanges;
  private readonly groups: GroupLife | undefined;
  private readonly dmesg = new Dmesg();
  private failed: TaskFailure | undefined;

  constructor(shared: SharedKernel, plan: TaskPlan, loaded: LoadedBuild) {
    const { build, task, tasks, seed, failsFrom, caches } = plan;
    this.plan = plan;
    this.kernel = attach(
      shared,
      kernelBuild(
        loaded,
        build.torture === undefined ? DirectMemory : TorturedMemory,
        this.dmesg.sink,
      ),
    );
    threadOf(this.kernel).waitLimit = WAIT_LIMIT_MS;
    this.control = new StressControl(systemOf(this.kernel).machine, tasks);
    this.driver = new Driver({
      kernel: this.kernel,
      control: this.control,
      ledger: build.ledger ? new Ledger(systemOf(this.kernel).common) : undefined,
      task,
      tasks,
      random: new Random(seed, task),
      failsFrom,
      caches,
    });
    this.handler = new InterruptHandler(this.driver, new Random(seed, task + INTERRUPTS));
    this.policies = new PolicyChanges(this.kernel, tasks, new Random(seed, task + POLICIES));
    if (plan.groups > 0) {
      const random = new Random(seed, task + GROUPS);
      this.groups = new GroupLife(this.kernel, this.control, plan.groups, random);
    }
    const workload = WORKLOADS.get(plan.workload);
    if (workload === undefined) throw new RangeError(`no workload ${plan.workload}`);
    this.player = workload.start(this.driver);
  }

  run(round: number, operations: number): TaskReport {
    const { control, plan } = this;
    const thread = threadOf(this.kernel);
    this.guard(() => {
      control.arrive(round);
      if (thread instanceof TorturedMemory && plan.build.torture !== undefined) {
        thread.onInterrupt = () => this.handler.handle();
        thread.torture(plan.build.torture, plan.seed + round);
      }
      control.activate(plan.task);
      while (!control.stopped) {
        this.section(() => {
          this.steps(operations);
          systemOf(this.kernel).allocator.tick(performance.now() / JIFFY_MS);
        });
      }
    });
    if (thread instanceof TorturedMemory) thread.disable();
    control.deactivate(plan.task);
    return this.report();
  }

  private steps(goal: number): void {
    const { control, driver, player, plan } = this;
    for (let i = 0; i < plan.stepsASection && !control.stopped; i++) {
      const before = driver.operations;
      if (this.groups === undefined) player.step();
      else this.groups.step(() => player.step());
      this.policies.step();
      control.count(driver.operations - before, goal);
    }
  }

  finish(): TaskReport {
    const { control, plan } = this;
    control.activate(plan.task);
    this.guard(() =>
      this.section(() => {
        this.player.finish();
        this.handler.finish();
      }),
    );
    control.deactivate(plan.task);
    return this.report();
  }

  /** Runs `work` as a CPU. Its failure is noted before the CPU is let go, which may fail as well. */
  private section(work: () => void): void {
    this.kernel.run(() => this.guard(work), this.plan.cpu, PATIENCE_MS);
  }

  private guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.fail(error);
    }
  }

  private fail(error: unknown): void {
    if (this.failed !== undefined) return;
    const { kernel, control, plan } = this;
    const mutated = plan.build.mutation !== undefined;
    this.failed = failRun(error, plan.task, { kernel, control, mutated });
  }

  private report(): TaskReport {
    const { driver, kernel } = this;
    const thread = threadOf(kernel);
    return {
      operations: driver.operations,
      refused: driver.refused,
      policyChanges: this.policies.made,
      reserves: driver.reserves,
      groups: { made: this.groups?.made ?? 0, killed: this.groups?.killed ?? 0 },
      injectedEvents: thread instanceof TorturedMemory ? { ...thread.injected } : NOTHING,
      destroyed: driver.destroyed.perCpu,
      dmesg: this.dmesg.lines,
      failed: this.failed,
    };
  }
}
