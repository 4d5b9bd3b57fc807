// SPDX-License-Identifier: MIT
/**
 * Which CPUs are busy: how many contexts are in mid-operation on each, sleeping ones not counted. The
 * lease word of a CPU says to the machine that a task has it.
 */
import { Cpu, sizeOfCpu } from "../machine/cpus.ts";
import type { MachineLayout } from "../machine/machine.ts";
import type { Address } from "../machine/memory.ts";

export class BusyCpus {
  private readonly layout: MachineLayout;
  private readonly store: (address: Address, value: number) => void;
  /** Contexts in mid-operation, by CPU. */
  private readonly busy: number[];

  constructor(
    layout: MachineLayout,
    cpus: number,
    store: (address: Address, value: number) => void,
  ) {
    this.layout = layout;
    this.store = store;
    this.busy = Array.from({ length: cpus }, () => 0);
  }

  /** A schedule begins, from a memory in which no lease is held. */
  reset(): void {
    this.busy.fill(0);
  }

  isBusy(cpu: number): boolean {
    return this.busy[cpu] !== 0;
  }

  /** One more context is in mid-operation. */
  enter(cpu: number): void {
    this.busy[cpu] = (this.busy[cpu] as number) + 1;
  }

  /** One context fewer; after the last the lease is given back. */
  leave(cpu: number): void {
    this.busy[cpu] = (this.busy[cpu] as number) - 1;
    if (!this.isBusy(cpu)) this.giveBack(cpu);
  }

  /** `task` runs as `cpu` from now on. */
  take(cpu: number, task: number): void {
    this.store(this.wordOf(cpu), task + 1);
  }

  giveBack(cpu: number): void {
    this.store(this.wordOf(cpu), 0);
  }

  /** Address of the lease: task number + 1, or 0. */
  wordOf(cpu: number): Address {
    return this.layout.cpuBase + cpu * sizeOfCpu + Cpu.lease;
  }
}
