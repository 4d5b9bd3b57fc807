/**
 * A task on a thread of its own, and the CPU it runs as: taking and leaving CPUs, whether interrupts
 * are on and preemption is off, what others ask of the CPU, and all waiting.
 *
 * One instance a task. Its fields are the state of the running context. Nothing interrupts a task
 * but itself, at `poll` and while it waits, so what is atomic on this CPU alone may be plain
 * accesses.
 */
import {
  ANY_CPU,
  Cpu,
  type Leases,
  POLL_ASKED,
  POLL_OWN,
  sizeOfCpu,
  sizeOfTask,
  TASK_DEAD,
  TASK_NONE,
  Task,
} from "./cpus.ts";
import { KernelBug } from "./kernel-bug.ts";
import type { Address, IrqFlags } from "./memory.ts";

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

/** What a wait throws that ended because another context has failed. */
export const PANICKED = "the machine has panicked: another CPU has reported a failure";

/** Looks at the word so often before it sleeps: about as long as a list_lock is held. */
const SPINS = 200;
/** How long a sleeper waits before it looks for calls, panic and dead holders, in ms. */
const NAP_MS = 5;
/** A nap counts as this much of a wait at most: a stopped process has not waited. */
const LONGEST_NAP_MS = 4 * NAP_MS;
/** How long a wait may last where nobody says otherwise, in ms. */
export const WAIT_LIMIT_MS = 20_000;

const pause: () => void =
  (Atomics as { pause?: () => void }).pause?.bind(Atomics) ?? (() => undefined);

function napSince(start: number): number {
  return Math.min(performance.now() - start, LONGEST_NAP_MS);
}

export abstract class RunningTask {
  declare protected readonly words: Int32Array;
  declare private readonly places: MachinePlaces;
  declare private readonly areasEnd: Address;
  declare protected readonly leases: Leases;
  declare protected readonly task: number;

  protected cpu = -1;
  /** Byte offset of this CPU's area. */
  protected area = 0;
  /** The word that says whether anybody wants something of this CPU; never 0 without a CPU. */
  declare private pollIndex: number;
  /** The interrupt flag: a word of the task's descriptor. */
  declare private readonly irqIndex: number;
  protected preemptCount = 0;

  /** A wait longer than this is a deadlock, in ms. */
  waitLimit = WAIT_LIMIT_MS;
  /** Runs a pending inter-processor call of this CPU; interrupts are off. */
  onCall: () => void = () => undefined;
  /** Does all that waits for this CPU; the context is between operations. */
  onQuiescent: () => void = () => undefined;

  constructor(words: Int32Array, places: MachinePlaces, leases: Leases, task: number) {
    this.words = words;
    this.places = places;
    this.areasEnd = places.percpuEnd;
    this.pollIndex = places.offCpu >> 2;
    this.leases = leases;
    leases.onFreed = (cpu) => this.serveIfIdle(cpu);
    this.task = task;
    this.irqIndex = (places.taskBase + task * sizeOfTask + Task.irqsOff) >> 2;
  }

  /** In shared memory, so that it can be seen if the task dies; a plain word also costs least. */
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
  smpProcessorId(): number {
    return this.cpu;
  }
  current(): number {
    return this.task;
  }
  // ---- CPUs ----

  /** Becomes `cpu`, whose lease this task holds. */
  protected become(cpu: number): void {
    this.cpu = cpu;
    this.area = this.places.percpuStart + cpu * this.places.percpuStride;
    this.pollIndex = (this.places.cpuBase + cpu * sizeOfCpu + Cpu.poll) >> 2;
  }

  private becomeNone(): void {
    this.cpu = -1;
    this.pollIndex = this.places.offCpu >> 2;
  }

  /** Whether this task runs as a CPU of which nobody wants anything: one word is looked at. */
  undisturbed(): boolean {
    return this.words[this.pollIndex] === 0;
  }

  /** Whether it is in a read-side section, or in something else that nobody may preempt. */
  get isReading(): boolean {
    return this.preemptCount !== 0;
  }

  /** Whether this task runs as a CPU at present. */
  get onCpu(): boolean {
    return this.cpu >= 0;
  }

  /**
   * Takes a lease and becomes that CPU: CPU number, or -1 for any. Waits while others run there;
   * throws where none comes free within `patience` ms.
   */
  enterCpu(wanted: number, patience = this.waitLimit): void {
    const want = wanted < 0 ? ANY_CPU : wanted + 1;
    let waited = 0;
    const from = wanted < 0 ? Math.max(this.lastCpu(), 0) : wanted;
    for (;;) {
      const start = performance.now();
      const cpu = this.leases.acquire(this.task, want, from, NAP_MS);
      if (cpu >= 0) {
        this.become(cpu);
        return;
      }
      this.checkPanic();
      waited += napSince(start);
      if (waited > patience) {
        throw new KernelBug("deadlock", `task ${this.task} found no CPU in ${patience} ms`);
      }
    }
  }

  /** Gives the task number back; this memory is not used afterwards. */
  retire(): void {
    const at = (this.places.taskBase + this.task * sizeOfTask + Task.state) >> 2;
    Atomics.store(this.words, at, TASK_NONE);
  }

  /**
   * Lets go of the CPU, if there is one: a wait that failed has left its own and found none again.
   * What was asked of it meanwhile is done before or right after.
   */
  leaveCpu(): void {
    if (this.cpu < 0) return;
    const { cpu } = this;
    try {
      // Callbacks that it leaves behind have a period to wait for, whose end has them run.
      if (!this.undisturbed()) this.serve();
    } finally {
      this.becomeNone();
      this.leases.release(cpu);
    }
    // Who asked while the lease was still held relies on the holder to look once more.
    this.serveIfIdle(cpu);
  }

  /**
   * Whether `address` lies in the area of a CPU that somebody else runs as. What belongs to an idle
   * or absent CPU may be written by whoever acts for it, though others may look in there meanwhile.
   */
  protected isForeignArea(address: Address): boolean {
    const into = address - this.places.percpuStart;
    if (into < 0 || into >= this.areasEnd - this.places.percpuStart) return false;
    const owner = Math.floor(into / this.places.percpuStride);
    return owner !== this.cpu && this.leases.holder(owner) !== 0 && !this.leases.isAbsent(owner);
  }

  private lastCpu(): number {
    const at = (this.places.taskBase + this.task * sizeOfTask + Task.cpu) >> 2;
    return (this.words[at] as number) - 1;
  }

  /**
   * Between operations: one word is looked at, and what waits for this CPU is done. If the CPU is to
   * go, this task goes on as another one, as soon as one is free.
   */
  poll(): void {
    if (this.cpu < 0 || this.words[this.pollIndex] === 0) return;
    this.serve();
    if (this.irqsOff || this.preemptCount !== 0 || this.leases.isOnline(this.cpu)) return;
    this.leaveCpu();
    this.enterCpu(-1);
  }

  /**
   * Does what waits for this CPU, as a softirq: interrupts on, no preemption. What fails there was
   * asked for by somebody else, in the middle of who knows what: as in a kernel, that is the end.
   */
  protected serve(): void {
    if (this.irqsOff || this.preemptCount !== 0) return;
    const serving = (this.places.taskBase + this.task * sizeOfTask + Task.serving) >> 2;
    const wasServing = this.words[serving] as number;
    this.preemptCount = 1;
    this.words[serving] = 1;
    Atomics.store(this.words, this.pollIndex, 0);
    try {
      this.onQuiescent();
    } catch (error) {
      this.panic();
      throw error;
    } finally {
      this.words[serving] = wasServing;
      this.irqsOff = false;
      this.preemptCount = 0;
    }
  }

  /** In mid-operation with interrupts on: only calls are taken. */
  protected takeCalls(): void {
    if (this.words[this.pollIndex] === 0) return;
    const flags = this.irqSave();
    this.onCall();
    this.irqRestore(flags);
  }

  kick(cpu: number): void {
    const at = (this.places.cpuBase + cpu * sizeOfCpu + Cpu.poll) >> 2;
    if (cpu === this.cpu) {
      Atomics.compareExchange(this.words, at, 0, POLL_OWN);
    } else {
      Atomics.store(this.words, at, POLL_ASKED);
      this.serveIfIdle(cpu);
    }
  }

  /** Runs as `cpu` for a moment if somebody waits for it and nobody else is that CPU. */
  private serveIfIdle(cpu: number): void {
    const at = (this.places.cpuBase + cpu * sizeOfCpu + Cpu.poll) >> 2;
    while (Atomics.load(this.words, at) === POLL_ASKED) {
      if (!this.leases.tryAcquireAbsent(this.task, cpu)) return;
      const mine = this.cpu;
      const { irqsOff, preemptCount } = this;
      this.irqsOff = false;
      this.preemptCount = 0;
      this.become(cpu);
      try {
        this.serve();
      } finally {
        if (mine >= 0) this.become(mine);
        else this.becomeNone();
        this.irqsOff = irqsOff;
        this.preemptCount = preemptCount;
        this.leases.release(cpu);
      }
    }
  }

  // ---- waiting ----

  waitWhile(address: Address, value: number, holder = 0): void {
    const { words } = this;
    const at = address >> 2;
    for (let i = 0; i < SPINS; i++) {
      if (Atomics.load(words, at) !== value) return;
      pause();
    }
    this.sleepWhile(at, value, holder);
  }

  private sleepWhile(at: number, value: number, holder: number): void {
    const { words } = this;
    if (holder === this.task + 1) {
      this.panic();
      throw new KernelBug("deadlock", `deadlock: CPU ${this.cpu} waits for itself`);
    }
    let waited = 0;
    // A context that may sleep lets another task have its CPU meanwhile.
    const sleeps = this.cpu >= 0 && !this.irqsOff && this.preemptCount === 0;
    const was = this.cpu;
    if (sleeps) this.leaveCpu();
    while (Atomics.load(words, at) === value) {
      const start = performance.now();
      Atomics.wait(words, at, value, NAP_MS);
      waited += napSince(start);
      this.checkPanic();
      if (!sleeps && !this.irqsOff && this.cpu >= 0) this.takeCalls();
      if (Atomics.load(words, at) === value) this.checkHolder(holder);
      if (waited > this.waitLimit) {
        this.panic();
        throw new KernelBug("deadlock", `deadlock: ${this.nameOf(holder)} did not let go`);
      }
    }
    if (sleeps) this.enterCpuAgain(was);
  }

  private enterCpuAgain(was: number): void {
    const cpu = this.leases.acquire(this.task, was + 1, was, 0);
    if (cpu >= 0) this.become(cpu);
    else this.enterCpu(-1);
  }

  notify(address: Address): void {
    Atomics.notify(this.words, address >> 2);
  }

  /**
   * An error is about to leave the running section. With interrupts off it may leave a lock behind
   * that nobody will ever drop: then the machine cannot go on. Read-side sections end with it.
   */
  oops(): void {
    if (this.irqsOff) this.panic();
    this.preemptCount = 0;
  }

  /** Ends every wait on this machine, present and future. */
  panic(): void {
    Atomics.store(this.words, this.places.panic >> 2, 1);
  }

  private checkPanic(): void {
    if (Atomics.load(this.words, this.places.panic >> 2) === 0) return;
    throw new KernelBug("deadlock", PANICKED);
  }

  private checkHolder(holder: number): void {
    if (holder <= 0) return;
    const at = (this.places.taskBase + (holder - 1) * sizeOfTask + Task.state) >> 2;
    if (this.words[at] !== TASK_DEAD) return;
    this.panic();
    throw new KernelBug("deadlock", `deadlock: held by dead ${this.nameOf(holder)}`);
  }

  private nameOf(holder: number): string {
    if (holder <= 0) return "whoever was asked";
    const at = (this.places.taskBase + (holder - 1) * sizeOfTask + Task.cpu) >> 2;
    return `CPU ${(this.words[at] as number) - 1} (task ${holder - 1})`;
  }
}
