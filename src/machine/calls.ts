// SPDX-License-Identifier: MIT
/**
 * Inter-processor calls: run a function on another CPU, and wait until it has. A call comes as an
 * interrupt, in the middle of whatever that CPU does, and runs with interrupts off. Work comes as a
 * task does: between two operations of that CPU, so never over a section without preemption.
 *
 * Each CPU has one slot. The caller owns it (callOwner), fills it in, sets callPending and kicks the
 * CPU; the called CPU runs the function and clears callPending. The caller waits with interrupts on,
 * so it takes calls itself meanwhile and two CPUs may call each other. Who waits for work sleeps, so
 * that the CPU it was on is free for work of others.
 */
import {
  CALL_INTERRUPT,
  CALL_NONE,
  CALL_WORK,
  CPU_ABSENT,
  Cpu,
  holderIn,
  sizeOfCpu,
} from "./cpus.ts";
import type { FunctionTable } from "./functions.ts";
import { KernelBug } from "./kernel-bug.ts";
import type { Address, Memory } from "./memory.ts";

export class Calls {
  declare private readonly memory: Memory;
  declare private readonly functions: FunctionTable;
  declare private readonly cpuBase: Address;
  declare private readonly cpus: number;
  declare private readonly doNothing: number;

  constructor(memory: Memory, functions: FunctionTable, cpuBase: Address, cpus: number) {
    this.memory = memory;
    this.functions = functions;
    this.cpuBase = cpuBase;
    this.cpus = cpus;
    this.doNothing = functions.register(() => undefined);
  }

  /**
   * smp_call_function_single(wait = 1). Interrupts must be on, unless `cpu` is this CPU. An absent
   * CPU is not called: it keeps nothing, since taking it offline has emptied it.
   */
  callOn(cpu: number, fn: number, argument: Address): void {
    let owner = this.tryCallOn(cpu, fn, argument);
    while (owner !== 0) {
      // Preemption is on here: the owner may wait for work, and go on only on this caller's CPU.
      this.memory.waitWhile(this.ownerOf(cpu), owner, owner);
      owner = this.tryCallOn(cpu, fn, argument);
    }
  }

  /** 0, or the task that owns the slot of `cpu`. */
  private tryCallOn(cpu: number, fn: number, argument: Address): number {
    const { memory } = this;
    memory.preemptDisable();
    let owner = 0;
    if (cpu === memory.smpProcessorId()) {
      const flags = memory.irqSave();
      this.functions.call(fn, argument);
      memory.irqRestore(flags);
    } else {
      const target = this.cpuBase + cpu * sizeOfCpu;
      // Preemption stays off from the look to the answer: see Presence.
      const isThere = memory.loadAcquire(target + Cpu.online) !== CPU_ABSENT;
      if (isThere) owner = this.tryCallRemote(cpu, fn, argument, CALL_INTERRUPT);
    }
    memory.preemptEnable();
    return owner;
  }

  /**
   * schedule_work_on and flush_work: `fn` runs on `cpu`, which stays online meanwhile, in a task's
   * stead with interrupts on. May sleep.
   */
  workOn(cpu: number, fn: number, argument: Address): void {
    const { memory } = this;
    memory.preemptDisable();
    const isHere = cpu === memory.smpProcessorId();
    if (isHere) this.functions.call(fn, argument);
    memory.preemptEnable();
    if (isHere) return;
    let owner = this.tryCallRemote(cpu, fn, argument, CALL_WORK);
    while (owner !== 0) {
      memory.waitWhile(this.ownerOf(cpu), owner, owner);
      owner = this.tryCallRemote(cpu, fn, argument, CALL_WORK);
    }
  }

  private ownerOf(cpu: number): Address {
    return this.cpuBase + cpu * sizeOfCpu + Cpu.callOwner;
  }

  /** 0, or the task that owns the slot. */
  private tryCallRemote(cpu: number, fn: number, argument: Address, kind: number): number {
    const { memory } = this;
    const target = this.cpuBase + cpu * sizeOfCpu;
    if (memory.irqsDisabled()) {
      throw new KernelBug("deadlock", `call to CPU ${cpu} with interrupts off`);
    }
    const owner = memory.cmpxchg(target + Cpu.callOwner, 0, memory.current() + 1);
    if (owner !== 0) return owner;
    memory.write32(target + Cpu.callFunction, fn);
    memory.write32(target + Cpu.callArgument, argument);
    // Release: a CPU that sees callPending sees the function and its argument.
    memory.storeRelease(target + Cpu.callPending, kind);
    memory.kick(cpu);
    // A deadlock report blames the task that runs as that CPU now. Work may find this task there.
    const holder = kind === CALL_WORK ? 0 : holderIn(memory.loadAcquire(target + Cpu.lease));
    memory.waitWhile(target + Cpu.callPending, kind, holder);
    memory.storeRelease(target + Cpu.callOwner, 0);
    memory.notify(target + Cpu.callOwner);
    return 0;
  }

  /** on_each_cpu_cond: CPUs in ascending order, each only if `condition` holds for it. */
  callOnEach(condition: (cpu: number) => boolean, fn: number, argument: Address): void {
    for (let cpu = 0; cpu < this.cpus; cpu++) {
      if (condition(cpu)) this.callOn(cpu, fn, argument);
    }
  }

  /** The same for work. No CPU may come or go meanwhile; absent ones are not asked. */
  workOnEach(condition: (cpu: number) => boolean, fn: number, argument: Address): void {
    for (let cpu = 0; cpu < this.cpus; cpu++) {
      const isThere =
        this.memory.loadAcquire(this.cpuBase + cpu * sizeOfCpu + Cpu.online) !== CPU_ABSENT;
      if (isThere && condition(cpu)) this.workOn(cpu, fn, argument);
    }
  }

  /** kick_all_cpus_sync: when it returns, every CPU has had interrupts on since it was called. */
  kickAllCpusSync(): void {
    this.callOnEach(() => true, this.doNothing, 0);
  }

  /**
   * Runs the pending call of this CPU, if there is one; interrupts are off. True: there is work, which
   * only `work` may do.
   */
  take(): boolean {
    const { memory } = this;
    const me = this.cpuBase + memory.smpProcessorId() * sizeOfCpu;
    // Acquire: pairs with the release in tryCallRemote.
    const pending = memory.loadAcquire(me + Cpu.callPending);
    if (pending === CALL_INTERRUPT) this.run(me);
    return pending === CALL_WORK;
  }

  /** Does the work of this CPU, which is between two operations. */
  work(): void {
    this.run(this.cpuBase + this.memory.smpProcessorId() * sizeOfCpu);
  }

  private run(me: Address): void {
    const { memory } = this;
    this.functions.call(memory.read32(me + Cpu.callFunction), memory.read32(me + Cpu.callArgument));
    // Release: the caller sees what the function wrote.
    memory.storeRelease(me + Cpu.callPending, CALL_NONE);
    memory.notify(me + Cpu.callPending);
  }
}
