// SPDX-License-Identifier: GPL-2.0-only
/**
 * The machine of a run, as the main thread uses it at quiet moments: it boots it with the wanted
 * build, audits it between rounds, and empties and counts it in the end.
 */

import { type FaultInjection, faultsOf } from "../src/caches/fault-injection.ts";
import { type AuditFinding, audit } from "../src/check/audit.ts";
import { Ledger, ledgerBytes } from "../src/check/ledger.ts";
import { Remains } from "../src/check/remains.ts";
import { boot, type Kernel, systemOf, threadOf } from "../src/kernel/kernel.ts";
import type { UnreferencedObject } from "../src/kernel/kmemleak.ts";
import { bury } from "../src/machine/burial.ts";
import { Dmesg } from "../src/machine/dmesg.ts";
import { KernelBug } from "../src/machine/kernel-bug.ts";
import { MachineOptionsError } from "../src/machine/machine.ts";
import type { Address } from "../src/machine/memory.ts";
import { BoundedMemory } from "./bounded-memory.ts";
import { kernelBuild, type LoadedBuild } from "./build.ts";
import { controlBytes, MAILBOX_SLOTS, StressControl } from "./control.ts";
import { checkSlabsAreHeld, heldByTheDead, inTheHandsOf } from "./deaths.ts";
import { CACHE_PREFIX } from "./driver.ts";
import { killAll } from "./groups.ts";
import { type InjectedFaults, kfenceOf, type StressOptions, workloadFailsFrom } from "./options.ts";
import { sheafCapacityFor } from "./sheaf-capacity.ts";
import { StatisticsTally } from "./statistics.ts";
import { memoryUsage } from "./usage.ts";
import { WORKLOADS } from "./workloads/index.ts";

/** The machine's task 0 is the main thread. */
function machineTask(task: number): number {
  return task + 1;
}

/** A wait of the main thread longer than this is a deadlock. */
const WAIT_LIMIT_MS = 10_000;

export class StressedMachine {
  readonly kernel: Kernel;
  readonly control: StressControl;
  readonly tally: StatisticsTally;
  /** What the main thread's console has printed. */
  readonly dmesg = new Dmesg();
  /** Those of the workload. */
  readonly caches: readonly Address[];
  private readonly ledger: Ledger | undefined;
  /** The objects and slabs that dead tasks were moving, as the last audit found them. */
  private remains: Remains | undefined;
  /** All caches that last as long as the run. */
  private readonly lasting: readonly Address[];
  private readonly pagesAtBoot: number;
  /** The allocator's own objects need not be where they were at boot. */
  private readonly ownObjectsMove: boolean;
  private readonly interrupted: boolean;

  /**
   * @throws MachineOptionsError where the options cannot be met
   * @throws KernelBug where the allocator is too broken to boot
   */
  constructor(options: StressOptions, build: LoadedBuild, tasks: number) {
    const { allocator, kernel, cpus, nodes, memory, era, seed } = options;
    const checker = (options.ledger ? ledgerBytes(memory) : 0) + controlBytes(tasks);
    // Merged caches could not be counted one by one.
    const parameters = {
      slab_nomerge: true,
      ...(options.debug !== undefined && { slub_debug: options.debug }),
    };
    // Armed when the work begins.
    const failSlab = options.failSlab === undefined ? null : { times: 0 };
    const failsPages = options.failPages !== undefined || workloadFailsFrom(options) !== undefined;
    const failPages = failsPages ? { times: 0 } : null;
    // Two tasks more: the main thread, which comes first and is the machine's task 0, and hotplug.
    this.kernel = boot(
      {
        allocator,
        kernel,
        cpus,
        nodes,
        memory,
        era,
        seed,
        checker,
        tasks: tasks + 2,
        parameters,
        failSlab,
        failPages,
        policies: options.policies === true,
        groups: options.groups !== undefined,
        kasan: options.kasan === true ? "panic" : false,
        kfence: kfenceOf(options),
        kmemcheck: options.kmemcheck === true ? "panic" : false,
        kmemleak: options.leaks === true,
        reserves: WORKLOADS.get(options.workload)?.reserves === true,
      },
      kernelBuild(build, BoundedMemory, this.dmesg.sink),
    );
    this.tally = new StatisticsTally(systemOf(this.kernel).observer.statNames);
    threadOf(this.kernel).waitLimit = WAIT_LIMIT_MS;
    this.control = new StressControl(systemOf(this.kernel).machine, tasks);
    this.ledger = options.ledger ? new Ledger(systemOf(this.kernel).common) : undefined;
    this.settle();
    this.interrupted = options.interrupts > 0;
    // SLAB makes a node's queues anew when its first CPU comes.
    const remakesQueues = allocator === "slab" && options.hotplug !== undefined;
    // Arrays that have grown for groups stay so large.
    const arraysGrow = options.groups !== undefined;
    this.ownObjectsMove =
      remakesQueues || arraysGrow || systemOf(this.kernel).observer.ownObjectsMove === true;
    this.pagesAtBoot = this.pagesKnown();
    this.caches = this.makeCaches(options.workload);
    this.lasting = systemOf(this.kernel).common.caches();
    this.kernel.debug.kmemleak?.clear();
    this.tally.reset(this.kernel, this.lasting);
  }

  /** The main thread begins a piece of work with the allocator, which is to end. */
  beginWork(): void {
    const thread = threadOf(this.kernel);
    if (thread instanceof BoundedMemory) thread.beginWork();
  }

  /** From now on allocations fail on purpose, with the chances that the options say. */
  armFaults({ failSlab, failPages, dmesg }: StressOptions): void {
    // A line for each failure, and no stack, which would cost more than the run; or no lines, which
    // would hide what else was said.
    const verbose = dmesg === true ? 1 : 0;
    if (failSlab !== undefined) this.faults.slab?.arm({ probability: failSlab, verbose });
    if (failPages !== undefined) this.faults.pages?.arm({ probability: failPages, verbose });
  }

  disarmFaults(): void {
    this.faults.slab?.disarm();
    this.faults.pages?.disarm();
  }

  /** Those that the options ask for. */
  injected({ failSlab, failPages }: StressOptions): InjectedFaults {
    const { slab, pages } = this.faults;
    return {
      slab: failSlab === undefined ? 0 : (slab?.injected ?? 0),
      pages: failPages === undefined ? 0 : (pages?.injected ?? 0),
    };
  }

  private get faults(): { slab: FaultInjection | undefined; pages: FaultInjection | undefined } {
    return {
      slab: faultsOf(systemOf(this.kernel).allocator),
      pages: faultsOf(systemOf(this.kernel).pages),
    };
  }

  private makeCaches(workload: string): Address[] {
    const wishes = WORKLOADS.get(workload)?.caches ?? [];
    const sheafCapacity = sheafCapacityFor(systemOf(this.kernel).common.kernel);
    return wishes.map(({ size, flags = 0 }) => {
      const cache = this.kernel.kmemCacheCreate(`${CACHE_PREFIX}${size}`, size, {
        flags,
        sheafCapacity,
      });
      if (cache === 0)
        throw new MachineOptionsError("memory does not suffice for the workload's caches");
      return cache;
    });
  }

  /** Adds what was counted since this was last called. */
  readStatistics(): void {
    this.tally.read(this.kernel, this.lasting);
  }

  /** Lets everything come to rest: callbacks, empty slabs, per-CPU pages. */
  settle(): void {
    const { kernel } = this;
    kernel.run(() => {
      // What groups have left to be done frees objects, and those may be the last of a group.
      for (let turn = 0; turn < 2; turn++) {
        systemOf(kernel).rcuBarrier();
        systemOf(kernel).common.groups?.work();
      }
      const { common } = systemOf(kernel);
      // Between two calls of a program a dead group's caches may go; not here.
      for (const cache of common.caches()) common.kmemCacheShrink(cache);
      systemOf(kernel).machine.rcu.barrier();
      systemOf(kernel).pages.drainAllPages();
    });
  }

  /** Pages that are free; with those of slabs, where how many slabs there are is no constant. */
  private pagesKnown(): number {
    const free = systemOf(this.kernel).pages.freePagesTotal();
    return this.ownObjectsMove ? free + memoryUsage(this.kernel).slabPages : free;
  }

  /**
   * Walks over everything. No task is at work; those in `dead` have died, and the
   * objects that they were moving are no findings where the ledger knows of them.
   */
  audit(dead: readonly number[]): AuditFinding[] {
    const { kernel, ledger } = this;
    kernel.run(() => {
      // What a callback frees may be the last of a slab that waits for readers itself.
      for (let turn = 0; turn < 2; turn++) systemOf(kernel).machine.rcu.barrier();
      // Nobody holds what waits there.
      systemOf(kernel).common.kasan?.emptyQuarantine();
    });
    const { interrupted } = this;
    if (ledger === undefined) return audit(systemOf(kernel), { interrupted });
    const remains = new Remains(systemOf(kernel), ledger, dead.map(machineTask));
    const findings = audit(systemOf(kernel), { ledger, remains, interrupted });
    this.remains = remains;
    return findings;
  }

  /** All objects are freed: what is in use now, and found by nobody, was forgotten. */
  findLeaks(): UnreferencedObject[] {
    const { kmemleak } = this.kernel.debug;
    if (kmemleak === undefined) return [];
    this.settle();
    return this.kernel.run(() => [...kmemleak.scan(), ...kmemleak.scan()]);
  }

  /** All objects are freed: no slab may stay, and every page must be back. */
  checkAllBack(): void {
    const { kernel } = this;
    const { groups } = systemOf(kernel).common;
    if (groups !== undefined) kernel.run(() => killAll(groups));
    this.settle();
    for (const cache of this.caches) {
      const name = systemOf(kernel).common.nameOf(cache);
      if (kernel.kmemCacheDestroy(cache) === 0) continue;
      throw new KernelBug(
        "lost-object",
        `${name} still has objects, though every task has freed its own`,
      );
    }
    this.settle();
    const missing = this.pagesAtBoot - this.pagesKnown();
    if (missing === 0) return;
    throw new KernelBug("leaked-page", `${missing} pages did not come back after all was freed`);
  }

  /**
   * The thread of a task has ended: its CPU becomes free, and tasks that wait for anything else of
   * it are told. Returns the CPUs that cannot be used any more.
   */
  bury(task: number): number[] {
    return bury(systemOf(this.kernel).machine, machineTask(task));
  }

  /** Frees the objects that other tasks have sent to the dead ones. */
  emptyMailboxes(dead: readonly number[]): void {
    for (const task of dead) {
      for (let slot = 0; slot < MAILBOX_SLOTS; slot++) {
        const object = this.control.receive(task, slot);
        if (object !== 0) this.kernel.kfree(object);
      }
    }
  }

  /** The objects and slabs that a dead task was moving, as the last audit found them. */
  remainsOf(task: number): string[] {
    const all = this.remains?.list ?? [];
    return all.filter((each) => each.task === machineTask(task)).map(({ message }) => message);
  }

  /**
   * checkAllBack after tasks have died: only their objects may be left. How many those are, by
   * task.
   */
  checkOnlyTheDeadHold(dead: readonly number[]): Map<number, number> | undefined {
    const { kernel, ledger, remains, caches } = this;
    if (ledger === undefined || remains === undefined) return undefined;
    const inHands = dead.map((task) => inTheHandsOf(task, this.control));
    checkSlabsAreHeld(kernel, ledger, remains, caches);
    return heldByTheDead(systemOf(kernel), ledger, caches, dead, inHands);
  }
}
