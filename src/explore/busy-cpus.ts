// SPDX-License-Identifier: MIT
/**
 * Which CPUs are busy: how many contexts are in mid-operation on each, sleeping ones not counted. The
 * lease word of a CPU says to the machine that a task has it.
 */
import { CPU_ABSENT, Cpu, sizeOfCpu } from "../machine/cpus.ts";
import type { MachineLayout } from "../machine/machine.ts";
import type { Address } from "../machine/memory.ts";

/** The machine's words, for the lease. */
interface BusyWords {
  peek(address: Address): number;
  store(address: Address, value: number): void;
}

export class BusyCpus {
  private readonly layout: MachineLayout;
  private readonly words: BusyWords;
  /** Contexts in mid-operation, by CPU. */
  private readonly busy: number[];

  constructor(layout: MachineLayout, cpus: number, words: BusyWords) {
    this.layout = layout;
    this.words = words;
    this.busy = Array.from({ length: cpus }, () => 0);
  }

  /** A schedule begins, from a memory in which no lease is held. */
  reset(): void {
    this.busy.fill(0);
  }

  isBusy(cpu: number): boolean {
    return this.busy[cpu] !== 0;
  }

  /** The CPU has gone offline; what was asked of it before may still be under way. */
  isAbsent(cpu: number): boolean {
    const online = this.layout.cpuBase + cpu * sizeOfCpu + Cpu.online;
    return this.words.peek(online) === CPU_ABSENT;
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
    this.words.store(this.wordOf(cpu), task + 1);
  }

  giveBack(cpu: number): void {
    this.words.store(this.wordOf(cpu), 0);
  }

  /** Whether `address` is a lease: those that wait for one are woken by the explorer itself. */
  isLease(address: Address): boolean {
    return this.busy.some((_, cpu) => this.wordOf(cpu) === address);
  }

  /** Address of the lease: task number + 1, or 0. */
  wordOf(cpu: number): Address {
    return this.layout.cpuBase + cpu * sizeOfCpu + Cpu.lease;
  }
}
