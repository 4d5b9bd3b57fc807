/**
 * The toy in the explorer: a machine, a ledger of which objects are out, an audit for the end, names
 * for the timeline, and small programs that each need one of the toy's precautions.
 */
import type { Operation } from "../src/explore/context.ts";
import type { ExploredMemory } from "../src/explore/explored-memory.ts";
import type { Scenario } from "../src/explore/program.ts";
import { type Described, exploredMemory, smallMachine, type World } from "../src/explore/world.ts";
import { KernelBug } from "../src/machine/kernel-bug.ts";
import type { Address, Memory } from "../src/machine/memory.ts";
import {
  FREELIST,
  OBJECT_BYTES,
  SLAB,
  SLAB_FREELIST,
  SLAB_FROZEN,
  SLAB_HEADER,
  TID,
  type ToyPlaces,
  type ToySlub,
  toySlabBytes,
} from "./toy-slub.ts";

export type ToyClass = new (memory: Memory, places: ToyPlaces) => ToySlub;

/** Where the toy's words begin in a CPU's area; nothing else uses the areas of these machines. */
const CPU_WORDS = 64;
const SLAB_COUNT = 4;

export class ToyWorld implements World {
  readonly memory: ExploredMemory;
  readonly toy: ToySlub;
  private readonly places: ToyPlaces;

  constructor(of: ToyClass, cpus: number, objectsPerSlab: number) {
    this.memory = exploredMemory(smallMachine(cpus, { checker: 4096 }));
    const slabs = this.memory.layout.free;
    this.places = { cpus, cpu: CPU_WORDS, slabs, slabCount: SLAB_COUNT, objectsPerSlab };
    this.toy = new of(this.memory, this.places);
    this.toy.init();
  }

  alloc(): Address {
    const object = this.toy.alloc();
    if (object !== 0 && this.memory.cmpxchg(this.ledgerOf(object), 0, 1) !== 0) {
      throw new KernelBug("double-allocation", `object ${object} is handed out twice`);
    }
    return object;
  }

  free(object: Address): void {
    if (this.memory.cmpxchg(this.ledgerOf(object), 1, 0) !== 1) {
      throw new KernelBug("double-free", `object ${object} is given back twice`);
    }
    this.toy.free(object);
  }

  /** In the room for checkers: accesses there are no scheduling points. */
  private ledgerOf(object: Address): Address {
    return this.memory.layout.end + ((object - this.places.slabs) >> 1);
  }

  /** Nothing runs: each object is out, or free once and on the list of its own slab. */
  audit(): void {
    const { memory, places, toy } = this;
    const free = toy.freeObjects();
    for (const { object, slab } of free) {
      if (memory.read32(this.ledgerOf(object)) !== 0) {
        throw new KernelBug("double-allocation", `object ${object} is in use and on a list`);
      }
      if (toy.slabOf(object) !== slab) {
        throw new KernelBug("wrong-slab", `object ${object} is on the list of slab ${slab}`);
      }
    }
    const out = this.objects().filter((object) => memory.read32(this.ledgerOf(object)) !== 0);
    const all = places.slabCount * places.objectsPerSlab;
    if (free.length + out.length > all) {
      throw new KernelBug(
        "list-corruption",
        `${free.length} free and ${out.length} out, of ${all}`,
      );
    }
    if (free.length + out.length < all) {
      throw new KernelBug("lost-object", `${free.length} free and ${out.length} out, of ${all}`);
    }
  }

  private objects(): Address[] {
    return this.toy
      .slabs()
      .flatMap((slab) =>
        Array.from(
          { length: this.places.objectsPerSlab },
          (_, i) => slab + SLAB_HEADER + i * OBJECT_BYTES,
        ),
      );
  }

  describe = (address: Address): Described => {
    const { percpuStart, percpuStride, percpuEnd, end } = this.memory.layout;
    if (address >= percpuStart && address < percpuEnd) {
      const cpu = Math.floor((address - percpuStart) / percpuStride);
      const offset = ((address - percpuStart) % percpuStride) - CPU_WORDS;
      const field = { [FREELIST]: "freelist", [TID]: "tid", [SLAB]: "slab" }[offset] ?? "area";
      return { name: `cpu ${cpu}: ${field}`, field: `cpu.${field}` };
    }
    if (address >= end) return { name: `ledger of ${address}`, field: "ledger" };
    const { slabs, slabCount, objectsPerSlab } = this.places;
    const bytes = toySlabBytes(objectsPerSlab);
    const n = Math.floor((address - slabs) / bytes);
    if (n < 0 || n >= slabCount) return { name: `0x${address.toString(16)}`, field: "other" };
    const offset = (address - slabs) % bytes;
    if (offset >= SLAB_HEADER) {
      const object = Math.floor((offset - SLAB_HEADER) / OBJECT_BYTES);
      return { name: `slab ${n} object ${object}`, field: "object.next" };
    }
    const field = { [SLAB_FREELIST]: "freelist", [SLAB_FROZEN]: "frozen" }[offset] ?? "header";
    return { name: `slab ${n}.${field}`, field: `slab.${field}` };
  };
}

type Objects = readonly Address[];
type ToyOperation = Operation<ToyWorld, Objects>;
export type ToyScenario = Scenario<ToyWorld, Objects>;

const alloc: ToyOperation = { name: "alloc", run: (world) => world.alloc() };
const freeOf = (index: number): ToyOperation => ({
  name: `free of object ${index}`,
  run: (world, { setup }) => world.free(setup[index] as Address),
});
const freeResult = (index: number): ToyOperation => ({
  name: `free of result ${index}`,
  run: (world, { results }) => world.free(results[index] as Address),
});

const check = { atEnd: (world: ToyWorld): void => world.audit() };

/** One CPU: an allocation, interrupted by two and a free. Needs a swap that compares tid. */
export function allocAgainstInterrupt(of: ToyClass): ToyScenario {
  return {
    name: "alloc-against-interrupt",
    world: () => new ToyWorld(of, 1, 4),
    setup: (world) => {
      world.free(world.alloc());
      return [];
    },
    contexts: [
      { name: "task", cpu: 0, operations: [alloc, alloc] },
      {
        name: "interrupt",
        cpu: 0,
        kind: "interrupt",
        operations: [
          {
            name: "alloc, alloc, free",
            run: (world) => {
              const first = world.alloc();
              world.alloc();
              world.free(first);
            },
          },
        ],
      },
    ],
    check,
  };
}

/** One CPU, two tasks, a slab that is used up. Needs a tid that moves when the slab is dropped. */
export function freeAgainstAlloc(of: ToyClass): ToyScenario {
  return {
    name: "free-against-alloc",
    world: () => new ToyWorld(of, 1, 2),
    setup: (world) => [world.alloc(), world.alloc()],
    contexts: [
      { name: "A", cpu: 0, operations: [freeOf(0)] },
      { name: "B", cpu: 0, operations: [alloc] },
    ],
    check,
  };
}

/** Two CPUs, one task that moves between them. Needs tid and pointer to be of one CPU. */
export function migratingFree(of: ToyClass): ToyScenario {
  return {
    name: "migrating-free",
    world: () => new ToyWorld(of, 2, 1),
    setup: (world) => [world.alloc(), world.memory.runAs(1, () => world.alloc())],
    contexts: [{ name: "task", cpu: 0, migrates: true, operations: [freeOf(1)] }],
    check,
  };
}

/** Two CPUs that allocate and free, each also what the other allocated. */
export function twoCpus(of: ToyClass): ToyScenario {
  return {
    name: "two-cpus",
    world: () => new ToyWorld(of, 2, 2),
    setup: (world) => [world.alloc()],
    contexts: [
      { name: "A", cpu: 0, operations: [alloc, freeResult(0)] },
      { name: "B", cpu: 1, operations: [freeOf(0), alloc, freeResult(1)] },
    ],
    check,
  };
}
