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
  private readonly functions: (() => void)[] = [];

  constructor(memory: Memory, cpuBase: Address) {
    this.memory = memory;
    this.cpuBase = cpuBase;
  }

  /** `fn` does what was queued for it on the CPU it runs on; interrupts are off. */
  register(fn: () => void): void {
    this.functions.push(fn);
  }

  /** This CPU takes an interrupt as soon as it can. Interrupts are off. */
  queue(): void {
    const { memory } = this;
    memory.writeOnce(this.here() + Cpu.irqWork, 1);
    memory.kick(memory.smpProcessorId());
  }

  /** Does what is queued on this CPU; interrupts are off. */
  take(): void {
    const { memory, functions } = this;
    if (functions.length === 0) return;
    const pending = this.here() + Cpu.irqWork;
    if (memory.readOnce(pending) === 0) return;
    // Before the functions look: what is queued after that comes with a word of its own.
    memory.writeOnce(pending, 0);
    for (const fn of functions) fn();
  }

  private here(): Address {
    return this.cpuBase + this.memory.smpProcessorId() * sizeOfCpu;
  }
}
