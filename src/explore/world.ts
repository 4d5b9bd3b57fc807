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
import { ExploredMemory } from "./explored-memory.ts";

/** What a report says about an address. */
export interface Described {
  /** Which one it is: `page 7.freelist`. */
  readonly name: string;
  /** What it is, whichever one: `page.freelist`. Tokens are made of these. */
  readonly field: string;
  /** The word drawn for people; by default a number. */
  readonly draw?: (value: number) => string;
}

/** What operations are given: at least a memory. The rest is the program's own. */
export interface World {
  readonly memory: ExploredMemory;
  readonly describe?: (address: Address) => Described;
}

const MIB = 1024 * 1024;

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
    takeCall: () => machine.calls.take(),
    quiescent: () => {
      const flags = memory.irqSave();
      machine.calls.take();
      memory.irqRestore(flags);
      machine.rcu.quiescent();
    },
  });
}
