// SPDX-License-Identifier: MIT
/**
 * A machine whose memory can be explored. Everything over it is built once, through the explored
 * memory, which lets accesses pass until exploration begins.
 */
import { MAX_CPUS } from "../machine/cpus.ts";
import {
  createMachine,
  directMemory,
  layoutOf,
  type Machine,
  type MachineOptions,
  MIN_MEMORY_BYTES,
} from "../machine/machine.ts";
import type { Address } from "../machine/memory.ts";
import { MIB } from "../machine/units.ts";
import { ExploredMemory } from "./explored-memory.ts";

/** Names of an address, for reports. */
export interface Described {
  /** The word itself: `queue 7.head`. */
  readonly name: string;
  /** The kind of word: `queue.head`. Tokens are made of these. */
  readonly field: string;
  /** Draws a value of the word; by default a number. */
  readonly draw?: (value: number) => string;
}

/** The objects that operations get: at least a memory. The rest belongs to the program. */
export interface World {
  readonly memory: ExploredMemory;
  readonly describe?: (address: Address) => Described;
}

/** Options of a machine that is just large enough, with `cpus` CPUs. */
export function smallMachine(cpus: number, more: Partial<MachineOptions> = {}): MachineOptions {
  return {
    cpus,
    nodes: 1,
    memory: Math.ceil((MIN_MEMORY_BYTES + cpus * 64 * 1024) / MIB + 1) * MIB,
    tasks: MAX_CPUS,
    checker: 0,
    atomics: "atomics",
    seed: 1,
    ...more,
  };
}

/** A new machine's memory, zeroed, ready to be explored. */
export function exploredMemory(options: MachineOptions): ExploredMemory {
  const shared = createMachine(options);
  return new ExploredMemory(directMemory(shared), layoutOf(options), options.cpus);
}

/** Has explored CPUs take calls and look after RCU, as `machine` does it. */
export function serve(memory: ExploredMemory, machine: Machine): void {
  memory.serveBy({
    takeCall: () => machine.interrupt(),
    quiescent: () => machine.softirq(),
  });
}
