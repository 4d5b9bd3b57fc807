// SPDX-License-Identifier: MIT
/**
 * Inter-processor calls: run a function on another CPU, and wait until it has. A call comes as an
 * interrupt, in the middle of whatever that CPU does, and runs with interrupts off. Work comes as a
 * task does: between two operations of that CPU, so never over a section without preemption.
 *
 * Each CPU has a slot for a call and one for work. A task that waits for work sleeps, and its CPU is
 * free for others. A caller on that CPU has preemption off, so with one slot for both it would wait for
 * a sleeper that cannot come back. The asking task owns the slot, fills it in, sets `pending` and kicks the CPU,
 * which runs the function and clears `pending`. A caller waits with interrupts on, so it takes calls
 * itself meanwhile and two CPUs may call each other.
 */
import { CallSlot, CPU_ABSENT, Cpu, holderIn, sizeOfCpu } from "./cpus.ts";
import type { FunctionTable } from "./functions.ts";
import { KernelBug } from "./kernel-bug.ts";
import type { Address, Memory } from "./memory.ts";

interface Asked {
  readonly fn: number;
  readonly argument: Address;
}

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
    const { memory } = this;
    memory.preemptDisable();
    if (cpu === memory.smpProcessorId()) {
      const flags = memory.irqSave();
      this.functions.call(fn, argument);
      memory.irqRestore(flags);
    } else {
      const target = this.cpuBase + cpu * sizeOfCpu;
      // Preemption stays off from the look to the answer: see Presence.
      const isThere = memory.loadAcquire(target + Cpu.online) !== CPU_ABSENT;
      if (isThere) this.callRemote(cpu, fn, argument);
    }
    memory.preemptEnable();
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
    // Nobody is to blame for a wait: work may find this very task on that CPU.
    if (!isHere) this.ask(cpu, Cpu.work, { fn, argument }, () => 0);
  }

  private callRemote(cpu: number, fn: number, argument: Address): void {
    const { memory, cpuBase } = this;
    if (memory.irqsDisabled()) {
      throw new KernelBug("deadlock", `call to CPU ${cpu} with interrupts off`);
    }
    // A deadlock report blames the task that runs as that CPU now.
    const lease = cpuBase + cpu * sizeOfCpu + Cpu.lease;
    this.ask(cpu, Cpu.call, { fn, argument }, () => holderIn(memory.loadAcquire(lease)));
  }

  /** `of`: which of the CPU's slots. */
  private ask(cpu: number, of: number, what: Asked, holder: () => number): void {
    const { memory } = this;
    const slot = this.cpuBase + cpu * sizeOfCpu + of;
    const me = memory.current() + 1;
    let owner = memory.cmpxchg(slot + CallSlot.owner, 0, me);
    while (owner !== 0) {
      memory.waitWhile(slot + CallSlot.owner, owner, owner);
      owner = memory.cmpxchg(slot + CallSlot.owner, 0, me);
    }
    memory.write32(slot + CallSlot.fn, what.fn);
    memory.write32(slot + CallSlot.argument, what.argument);
    // Release: a CPU that sees `pending` sees the function and its argument.
    memory.storeRelease(slot + CallSlot.pending, 1);
    memory.kick(cpu);
    memory.waitWhile(slot + CallSlot.pending, 1, holder());
    memory.storeRelease(slot + CallSlot.owner, 0);
    memory.notify(slot + CallSlot.owner);
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
    const me = this.here();
    if (this.isPending(me + Cpu.call)) this.run(me + Cpu.call);
    return this.isPending(me + Cpu.work);
  }

  /** Does the work of this CPU, which is between two operations. */
  work(): void {
    this.run(this.here() + Cpu.work);
  }

  private here(): Address {
    return this.cpuBase + this.memory.smpProcessorId() * sizeOfCpu;
  }

  /** Acquire: pairs with the release in `ask`. */
  private isPending(slot: Address): boolean {
    return this.memory.loadAcquire(slot + CallSlot.pending) !== 0;
  }

  private run(slot: Address): void {
    const { memory } = this;
    this.functions.call(memory.read32(slot + CallSlot.fn), memory.read32(slot + CallSlot.argument));
    // Release: the asking task sees what the function wrote.
    memory.storeRelease(slot + CallSlot.pending, 0);
    memory.notify(slot + CallSlot.pending);
  }
}
