// SPDX-License-Identifier: MIT
/**
 * Work that a context leaves to an interrupt of its own CPU, because it may not do it itself: it may
 * have interrupted a holder of the locks that the work needs (irq_work_queue).
 *
 * Each CPU has one word, which says that there is work; each function looks for itself whether it is
 * its own. A machine on which nobody has registered any is asked nothing.
 */
import { Cpu, sizeOfCpu } from "./cpus.ts";
import type { Address, Memory } from "./memory.ts";

export class IrqWork {
  declare private readonly memory: Memory;
  declare private readonly cpuBase: Address;
  private readonly functions: ((cpu: number) => void)[] = [];

  constructor(memory: Memory, cpuBase: Address) {
    this.memory = memory;
    this.cpuBase = cpuBase;
  }

  /** `fn` does what was queued for it on a CPU: the one it runs on, or one that is absent. Interrupts are off. */
  register(fn: (cpu: number) => void): void {
    this.functions.push(fn);
  }

  /** This CPU takes an interrupt as soon as it can. Interrupts are off. */
  queue(): void {
    const { memory } = this;
    const cpu = memory.smpProcessorId();
    memory.writeOnce(this.pendingOn(cpu), 1);
    memory.kick(cpu);
  }

  /** Does what is queued on this CPU; interrupts are off. */
  take(): void {
    if (this.functions.length > 0) this.takeOf(this.memory.smpProcessorId());
  }

  /** The same for a CPU that has gone, and does no more itself (smpcfd_dying_cpu). */
  takeOf(cpu: number): void {
    const { memory, functions } = this;
    const pending = this.pendingOn(cpu);
    if (memory.readOnce(pending) === 0) return;
    // Before the functions look: what is queued after that comes with a word of its own.
    memory.writeOnce(pending, 0);
    for (const fn of functions) fn(cpu);
  }

  private pendingOn(cpu: number): Address {
    return this.cpuBase + cpu * sizeOfCpu + Cpu.irqWork;
  }
}
