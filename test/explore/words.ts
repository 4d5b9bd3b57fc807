/** For tests: a world of bare words, named w0, w1, …, each in a cache line of its own. */
import type { ContextSpec, Operation } from "../../src/explore/context.ts";
import type { ExploredMemory } from "../../src/explore/explored-memory.ts";
import type { MemoryModel } from "../../src/explore/store-buffers.ts";
import { exploredMemory, smallMachine, type World } from "../../src/explore/world.ts";
import type { Address } from "../../src/machine/memory.ts";

export interface Words extends World {
  readonly at: (index: number) => Address;
}

/** `checker`: bytes of room behind the memory, as for a ledger. */
export function words(cpus = 2, checker = 0, model: MemoryModel = "sc"): Words {
  const memory = exploredMemory(smallMachine(cpus, { checker }), model);
  const start = memory.layout.free;
  return {
    memory,
    at: (index) => start + index * 64,
    describe: (address) => {
      const into = address - start;
      const name = into >= 0 ? `w${into >> 6}${into & 63 ? `+${into & 63}` : ""}` : "machine";
      return { name, field: name };
    },
  };
}

type Body = (memory: ExploredMemory, at: Words["at"]) => unknown;
export type WordOperation = Operation<Words, undefined>;

export function operation(name: string, body: Body): WordOperation {
  return { name, run: ({ memory, at }) => body(memory, at) };
}

/** A task on its own CPU, with one operation. */
export function task(cpu: number, name: string, body: Body): ContextSpec<Words, undefined> {
  return { name: `task ${cpu}`, cpu, operations: [operation(name, body)] };
}
