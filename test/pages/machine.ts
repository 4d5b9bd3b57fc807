import { DirectMemory } from "../../src/machine/direct-memory.ts";
import {
  createMachine,
  directMemory,
  Machine,
  type MachineOptions,
  type MemoryClass,
  type SharedMachine,
} from "../../src/machine/machine.ts";
import { Pages } from "../../src/pages/pages.ts";

export const MIB = 1024 * 1024;

/** A machine of one CPU and one node with 8 MiB, unless told otherwise. */
export function sharedMachine(options: Partial<MachineOptions> = {}): SharedMachine {
  return createMachine({
    cpus: 1,
    nodes: 1,
    memory: 8 * MIB,
    tasks: Math.max(options.cpus ?? 1, 1),
    checker: 0,
    atomics: "wasm",
    seed: 1,
    ...options,
  });
}

export interface Booted {
  readonly machine: Machine;
  readonly pages: Pages;
  /** Runs as another CPU from now on. */
  readonly moveTo: (cpu: number) => void;
}

/** A booted page allocator, driven by this thread on CPU 0. */
export function bootPages<M extends DirectMemory = DirectMemory>(
  options: Partial<MachineOptions> = {},
  memoryClass: MemoryClass = DirectMemory,
): Booted & { readonly memory: M } {
  const shared = sharedMachine(options);
  const memory = directMemory(shared, memoryClass) as M;
  const machine = new Machine(memory, shared.options);
  machine.serve(memory);
  const pages = new Pages(machine);
  memory.enterCpu(0);
  pages.init();
  return {
    memory,
    machine,
    pages,
    moveTo: (cpu) => {
      memory.leaveCpu();
      memory.enterCpu(cpu);
    },
  };
}

/** Order and page number of every free block: the state that a full merge must restore. */
export function freeBlocks({ pages }: Pick<Booted, "pages">): string[] {
  const blocks: string[] = [];
  for (const zone of pages.zones) {
    for (let pfn = zone.start; pfn < zone.end; pfn++) {
      for (let order = 0; order < 11; order++) {
        if (pages.buddy.isFreeBlock(zone, pfn, order)) blocks.push(`${pfn}:${order}`);
      }
    }
  }
  return blocks;
}
