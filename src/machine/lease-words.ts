// SPDX-License-Identifier: MIT
/**
 * The words of CPUs and tasks that leases are made of, by index, and where they lie. Atomics by an
 * object, so that the explorer can stand in for it.
 */
import { Cpu, sizeOfCpu, sizeOfTask } from "./cpus.ts";
import type { Address } from "./memory.ts";

/** Sequentially consistent accesses. */
export interface LeaseAtomics {
  load(at: number): number;
  store(at: number, value: number): void;
  /** Returns what was found; equal to `expected` means that `desired` was stored. */
  cmpxchg(at: number, expected: number, desired: number): number;
}

/** Those of real threads. */
export function leaseAtomics(words: Int32Array): LeaseAtomics {
  return {
    load: (at) => Atomics.load(words, at),
    store: (at, value) => {
      Atomics.store(words, at, value);
    },
    cmpxchg: (at, expected, desired) => Atomics.compareExchange(words, at, expected, desired),
  };
}

export interface LeasePlaces {
  readonly cpuBase: Address;
  readonly taskBase: Address;
  /** A word that is never 0. */
  readonly offCpu: Address;
}

export function leaseOf({ cpuBase }: LeasePlaces, cpu: number): number {
  return (cpuBase + cpu * sizeOfCpu + Cpu.lease) >> 2;
}

export function taskWord({ taskBase }: LeasePlaces, task: number, field: number): number {
  return (taskBase + task * sizeOfTask + field) >> 2;
}
