// SPDX-License-Identifier: MIT
/**
 * Which CPUs are there, and how one goes and comes (take_cpu_down, cpu_up).
 *
 *     ONLINE  --vacate-->  LEAVING  ------------------>  ABSENT  --arrive-->  ONLINE
 *     anybody may come     who is there is asked to go   nobody is there
 *
 * Nobody takes the lease of a CPU that is not online; who took it at the last moment looks again and
 * gives it back. A call looks at the state and is answered with preemption off all the while, so a
 * grace period after the change to ABSENT no call to that CPU is under way and none will be: what
 * lies in its area is then touched only by whoever holds the hotplug lock.
 */
import { CPU_ABSENT, CPU_LEAVING, CPU_ONLINE, Cpu, sizeOfCpu } from "./cpus.ts";
import type { Address, Memory } from "./memory.ts";

export class Presence {
  declare private readonly memory: Memory;
  declare private readonly cpuBase: Address;
  declare private readonly cpus: number;

  constructor(memory: Memory, cpuBase: Address, cpus: number) {
    this.memory = memory;
    this.cpuBase = cpuBase;
    this.cpus = cpus;
  }

  private word(cpu: number, field: number): Address {
    return this.cpuBase + cpu * sizeOfCpu + field;
  }

  /** cpu_online */
  isOnline(cpu: number): boolean {
    return this.memory.loadAcquire(this.word(cpu, Cpu.online)) === CPU_ONLINE;
  }

  /** cpu_online_mask, in ascending order. */
  online(): number[] {
    return Array.from({ length: this.cpus }, (_, cpu) => cpu).filter((cpu) => this.isOnline(cpu));
  }

  /**
   * Returns when nobody runs as `cpu` any more; whoever does leaves between two operations. This
   * task may be the one, if it may sleep. What was asked of the CPU before is done.
   */
  vacate(cpu: number): void {
    const { memory } = this;
    const lease = this.word(cpu, Cpu.lease);
    const me = memory.current() + 1;
    memory.storeRelease(this.word(cpu, Cpu.online), CPU_LEAVING);
    for (;;) {
      const holder = memory.cmpxchg(lease, 0, me);
      if (holder === 0) break;
      if (holder !== me) memory.kick(cpu);
      // This task itself lets go of the CPU while it sleeps.
      memory.waitWhile(lease, holder, holder === me ? 0 : holder);
    }
    memory.storeRelease(this.word(cpu, Cpu.online), CPU_ABSENT);
    memory.storeRelease(lease, 0);
    // Who asked while the lease was held relies on the holder to look once more.
    memory.kick(cpu);
  }

  /** From here on anybody may run as `cpu`. */
  arrive(cpu: number): void {
    this.memory.storeRelease(this.word(cpu, Cpu.online), CPU_ONLINE);
  }
}
