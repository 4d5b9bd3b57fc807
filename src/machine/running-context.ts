// SPDX-License-Identifier: MIT
/**
 * The state of the running context: the CPU it runs as, whether interrupts are on and preemption is
 * off. One instance a task. Nothing interrupts a task but itself, at `poll` and while it waits, so
 * what is atomic on this CPU alone may be plain accesses.
 *
 * RunningContext, RunningTask, WaitingTask and DirectMemory are one object by inheritance, not four
 * by composition: the fast paths read this state at each step, and a field of the object itself costs
 * one load. What is off the fast paths is composed: Leases, Panic, TaskTable.
 */
import { Cpu, POLL_PANICKED, sizeOfCpu, Task } from "./cpus.ts";
import type { Leases } from "./leases.ts";
import type { Address, IrqFlags } from "./memory.ts";
import { Panic } from "./panic.ts";
import { TaskTable } from "./task-table.ts";
import type { Tenancy } from "./tenancy.ts";

/** Where the machine keeps what a memory must find. All byte offsets. */
export interface MachinePlaces {
  readonly cpuBase: Address;
  readonly taskBase: Address;
  readonly percpuStart: Address;
  readonly percpuStride: number;
  readonly percpuEnd: Address;
  /** The word that ends every wait when it is not 0. */
  readonly panic: Address;
  /** A word that is never 0: stands in for the poll word of a task without a CPU. */
  readonly offCpu: Address;
  /** How many tasks wait for a CPU. */
  readonly waiting: Address;
}

export abstract class RunningContext {
  /** All of the memory; for this folder, and for the paths that are written for direct memory. */
  declare readonly words: Int32Array;
  declare protected readonly places: MachinePlaces;
  declare protected readonly leases: Leases;
  declare protected readonly tasks: TaskTable;
  declare readonly tenancy: Tenancy;
  declare protected readonly task: number;
  declare private readonly panicWord: Panic;
  declare private readonly areasEnd: Address;

  /** The CPU that this task runs as, or keeps. */
  protected cpu = -1;
  /** Byte offset of this CPU's area. */
  area = 0;
  /** Index of a word that is never 0. */
  declare protected readonly offCpuIndex: number;
  /** Index of the word that is not 0 while another task wants something of this CPU, or without one. */
  declare protected pollIndex: number;
  /** The same, or the index of a word that is never 0 while calls must not come straight through. */
  declare private gateIndex: number;
  protected isShut = false;
  /** The interrupt flag: a word of the task's descriptor. */
  declare private readonly irqIndex: number;
  /** Likewise, how many changes to this CPU's data have begun. */
  declare private readonly changeIndex: number;
  protected preemptCount = 0;
  /** Interrupts that run on top of the task, one in the other. */
  protected interruptDepth = 0;

  constructor(words: Int32Array, places: MachinePlaces, leases: Leases, tenancy: Tenancy) {
    const { task } = tenancy;
    this.words = words;
    this.places = places;
    this.areasEnd = places.percpuEnd;
    this.offCpuIndex = places.offCpu >> 2;
    this.pollIndex = this.offCpuIndex;
    this.gateIndex = this.offCpuIndex;
    this.leases = leases;
    this.tenancy = tenancy;
    this.task = task;
    this.tasks = new TaskTable(words, places.taskBase);
    this.panicWord = new Panic(words, places.panic);
    this.irqIndex = this.tasks.indexOf(task, Task.irqsOff);
    this.changeIndex = this.tasks.indexOf(task, Task.changing);
  }

  // ---- interrupts and preemption ----

  /** In shared memory, so that burial sees it if the task dies; a plain word also costs least. */
  protected get irqsOff(): boolean {
    return this.words[this.irqIndex] !== 0;
  }
  protected set irqsOff(off: boolean) {
    this.words[this.irqIndex] = off ? 1 : 0;
  }

  irqSave(): IrqFlags {
    const at = this.irqIndex;
    const enabled = this.words[at] === 0;
    this.words[at] = 1;
    return enabled;
  }
  irqRestore(flags: IrqFlags): void {
    this.words[this.irqIndex] = flags ? 0 : 1;
  }
  irqEnable(): void {
    this.words[this.irqIndex] = 0;
  }
  irqDisable(): void {
    this.words[this.irqIndex] = 1;
  }
  irqsDisabled(): boolean {
    return this.irqsOff;
  }
  preemptDisable(): void {
    this.preemptCount++;
  }
  preemptEnable(): void {
    this.preemptCount--;
  }
  beginChange(): void {
    (this.words[this.changeIndex] as number) += 1;
  }
  endChange(): void {
    (this.words[this.changeIndex] as number) -= 1;
  }

  /** Whether the task is in a read-side section, or in another section without preemption. */
  get isReading(): boolean {
    return this.preemptCount !== 0;
  }

  // ---- the CPU ----

  smpProcessorId(): number {
    return this.cpu;
  }
  current(): number {
    return this.task;
  }
  inInterrupt(): boolean {
    return this.interruptDepth !== 0;
  }

  /** Whether this task runs as a CPU at present. */
  get onCpu(): boolean {
    return this.pollIndex !== this.offCpuIndex;
  }

  /** Becomes `cpu`, whose lease this task holds. */
  protected become(cpu: number): void {
    this.cpu = cpu;
    this.area = this.places.percpuStart + cpu * this.places.percpuStride;
    this.stepOn((this.places.cpuBase + cpu * sizeOfCpu + Cpu.poll) >> 2);
  }

  protected becomeNone(): void {
    this.cpu = -1;
    this.stepOff();
  }

  /** Runs as the CPU whose poll word is at `pollIndex`, or goes on as no CPU. */
  protected stepOn(pollIndex: number): void {
    this.pollIndex = pollIndex;
    if (!this.isShut) this.gateIndex = pollIndex;
  }

  /** Runs as no CPU, though one may be kept. */
  protected stepOff(): void {
    this.pollIndex = this.offCpuIndex;
    this.gateIndex = this.offCpuIndex;
  }

  /** From now on no call comes straight through, or calls do again. */
  shut(isShut: boolean): void {
    this.isShut = isShut;
    this.gateIndex = isShut ? this.offCpuIndex : this.pollIndex;
  }

  /** Whether a call may come straight through: undisturbed, and not shut. One word is read. */
  isOpen(): boolean {
    return this.words[this.gateIndex] === 0;
  }

  /** Whether this task runs as a CPU that no other task wants anything of: one word is read. */
  undisturbed(): boolean {
    return this.words[this.pollIndex] === 0;
  }

  /**
   * Whether `address` lies in the area of a CPU that another task runs as. The area of an idle or
   * absent CPU may be written by the task that acts for it, though others may read there meanwhile.
   */
  protected isForeignArea(address: Address): boolean {
    const into = address - this.places.percpuStart;
    if (into < 0 || into >= this.areasEnd - this.places.percpuStart) return false;
    const owner = Math.floor(into / this.places.percpuStride);
    return owner !== this.cpu && this.leases.holder(owner) !== 0 && !this.leases.isAbsent(owner);
  }

  // ---- failures ----

  /**
   * An error is about to leave the running section. With interrupts off, or in the middle of a change,
   * it may leave a lock behind that no task will ever drop: then the machine cannot go on. Read-side
   * sections end with it.
   */
  oops(): void {
    if (this.irqsOff || this.words[this.changeIndex] !== 0) this.panic();
    this.preemptCount = 0;
    this.interruptDepth = 0;
  }

  /** Ends every wait on this machine, present and future, and every call that comes straight through. */
  panic(): void {
    this.panicWord.raise();
    const { cpuBase, percpuStart, percpuEnd, percpuStride } = this.places;
    const cpus = (percpuEnd - percpuStart) / percpuStride;
    for (let cpu = 0; cpu < cpus; cpu++) {
      Atomics.store(this.words, (cpuBase + cpu * sizeOfCpu + Cpu.poll) >> 2, POLL_PANICKED);
    }
    this.tasks.recallAll();
  }

  protected get hasPanicked(): boolean {
    return this.panicWord.isRaised;
  }

  /** Nothing is asked of this CPU any more; but after a panic no call comes straight through. */
  protected clearPoll(): void {
    Atomics.store(this.words, this.pollIndex, this.hasPanicked ? POLL_PANICKED : 0);
  }

  /** @throws KernelBug after a panic */
  checkPanic(): void {
    this.panicWord.check();
  }
}
