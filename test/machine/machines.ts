import type { AtomicsKind } from "../../src/machine/atomics.ts";
import { DirectMemory } from "../../src/machine/direct-memory.ts";
import {
  createMachine,
  directMemory,
  Machine,
  type MachineOptions,
  type MemoryClass,
  type SharedMachine,
} from "../../src/machine/machine.ts";
import type { Address } from "../../src/machine/memory.ts";
import { scratchOf } from "./workers/thread.ts";

export const ATOMICS_KINDS: readonly AtomicsKind[] = ["wasm", "atomics"];

export function newMachine(options: Partial<MachineOptions> = {}): SharedMachine {
  const cpus = options.cpus ?? 2;
  return createMachine({
    cpus,
    nodes: 1,
    memory: 4 * 1024 * 1024,
    tasks: cpus + 4,
    checker: 0,
    atomics: "wasm",
    seed: 1,
    ...options,
  });
}

/** What the test's own thread has of a machine: a task like those of the workers. */
export interface Observer<M extends DirectMemory = DirectMemory> {
  readonly shared: SharedMachine;
  readonly memory: M;
  readonly machine: Machine;
  readonly scratch: Address;
}

export function observe<M extends DirectMemory = DirectMemory>(
  shared: SharedMachine,
  memoryClass: MemoryClass = DirectMemory,
): Observer<M> {
  const memory = directMemory(shared, memoryClass) as M;
  const machine = new Machine(memory, shared.options);
  machine.serve(memory);
  return { shared, memory, machine, scratch: scratchOf(machine).scratch };
}
