// SPDX-License-Identifier: MIT
/**
 * Which CPUs are online, and how one goes and comes (take_cpu_down, cpu_up).
 *
 *     ONLINE  --vacate-->  LEAVING  ------------------>  ABSENT  --arrive-->  ONLINE
 *     any task may come    its task is asked to leave    no task is there
 *
 * No task takes the lease of a CPU that is not online; one that took it at the last moment looks again
 * and gives it back. A caller keeps preemption off from its look at the state to the answer, so a
 * grace period after the change to ABSENT no call to that CPU is pending and none will come: its area
 * is then touched only by the holder of the hotplug lock.
 */
import { CPU_ABSENT, CPU_LEAVING, CPU_ONLINE, Cpu, holderIn, sizeOfCpu } from "./cpus.ts";
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
   * Returns when no task runs as `cpu` any more; the task that does leaves between two operations.
   * That may be this task, if it may sleep. Requests made of the CPU before are served.
   *
   * While this task has the lease it cannot be preempted: a caller on its own CPU would wait, with
   * preemption off, for the CPU whose lease it has.
   */
  vacate(cpu: number): void {
    const { memory } = this;
    const lease = this.word(cpu, Cpu.lease);
    const me = memory.current() + 1;
    memory.storeRelease(this.word(cpu, Cpu.online), CPU_LEAVING);
    for (;;) {
      memory.preemptDisable();
      const found = memory.cmpxchg(lease, 0, me);
      if (found === 0) break;
      memory.preemptEnable();
      const holder = holderIn(found);
      if (holder !== me) memory.kick(cpu);
      // If this task is the holder, it leaves the CPU while it sleeps.
      memory.waitWhile(lease, found, holder === me ? 0 : holder);
    }
    memory.storeRelease(this.word(cpu, Cpu.online), CPU_ABSENT);
    memory.storeRelease(lease, 0);
    // A task that asked while the lease was held relies on the holder to look once more.
    memory.kick(cpu);
    memory.preemptEnable();
  }

  /** From here on any task may run as `cpu`. */
  arrive(cpu: number): void {
    this.memory.storeRelease(this.word(cpu, Cpu.online), CPU_ONLINE);
  }
}
