// SPDX-License-Identifier: MIT
/**
 * Inter-processor calls: run a function on another CPU, interrupts off, and wait until it has.
 *
 * Each CPU has one slot. The caller owns it (callOwner), fills it in, sets callPending and kicks the
 * CPU; the called CPU runs the function and clears callPending. The caller waits with interrupts on,
 * so it takes calls itself meanwhile and two CPUs may call each other.
 */
import { CPU_ABSENT, Cpu, sizeOfCpu } from "./cpus.ts";
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
      if (isThere) this.callRemote(target, cpu, fn, argument);
    }
    memory.preemptEnable();
  }

  private callRemote(target: Address, cpu: number, fn: number, argument: Address): void {
    const { memory } = this;
    if (memory.irqsDisabled()) {
      throw new KernelBug("deadlock", `call to CPU ${cpu} with interrupts off`);
    }
    const me = memory.current() + 1;
    let owner = memory.cmpxchg(target + Cpu.callOwner, 0, me);
    while (owner !== 0) {
      memory.waitWhile(target + Cpu.callOwner, owner, owner);
      owner = memory.cmpxchg(target + Cpu.callOwner, 0, me);
    }
    memory.write32(target + Cpu.callFunction, fn);
    memory.write32(target + Cpu.callArgument, argument);
    // Release: a CPU that sees callPending sees the function and its argument.
    memory.storeRelease(target + Cpu.callPending, 1);
    memory.kick(cpu);
    // A deadlock report blames the task that runs as that CPU now.
    memory.waitWhile(target + Cpu.callPending, 1, memory.loadAcquire(target + Cpu.lease));
    memory.storeRelease(target + Cpu.callOwner, 0);
    memory.notify(target + Cpu.callOwner);
  }

  /** on_each_cpu_cond: CPUs in ascending order, each only if `condition` holds for it. */
  callOnEach(condition: (cpu: number) => boolean, fn: number, argument: Address): void {
    for (let cpu = 0; cpu < this.cpus; cpu++) {
      if (condition(cpu)) this.callOn(cpu, fn, argument);
    }
  }

  /** kick_all_cpus_sync: when it returns, every CPU has had interrupts on since it was called. */
  kickAllCpusSync(): void {
    this.callOnEach(() => true, this.doNothing, 0);
  }

  /** Runs the pending call of this CPU, if there is one. Interrupts are off. */
  take(): void {
    const { memory } = this;
    const me = this.cpuBase + memory.smpProcessorId() * sizeOfCpu;
    // Acquire: pairs with the release in callRemote.
    if (memory.loadAcquire(me + Cpu.callPending) === 0) return;
    this.functions.call(memory.read32(me + Cpu.callFunction), memory.read32(me + Cpu.callArgument));
    // Release: the caller sees what the function wrote.
    memory.storeRelease(me + Cpu.callPending, 0);
    memory.notify(me + Cpu.callPending);
  }
}
