/**
 * What the allocators of four kernels cost in steps that other CPUs can feel: swaps of words that all
 * CPUs share, and locks taken. Counted on one thread, so the figures are the same on every machine:
 * `node scripts/locked-steps.ts`.
 */
import type { AllocatorName } from "../src/caches/flags.ts";
import type { KernelVersion } from "../src/caches/kernel-version.ts";
import { boot, type Kernel } from "../src/kernel/kernel.ts";
import { DirectMemory } from "../src/machine/direct-memory.ts";
import type { Address } from "../src/machine/memory.ts";

let locks = 0;
let swaps = 0;

class CountingMemory extends DirectMemory {
  override lockAcquire(): void {
    locks++;
  }

  override cmpxchgDouble(...words: Parameters<DirectMemory["cmpxchgDouble"]>): boolean {
    swaps++;
    return super.cmpxchgDouble(...words);
  }
}

const OBJECTS = 4096;

/** What a program does with a cache of objects of 256 bytes, on two CPUs. */
type Work = (kernel: Kernel, cache: Address) => void;

const alloc = (kernel: Kernel, cache: Address, count: number): Address[] =>
  Array.from({ length: count }, () => kernel.kmemCacheAlloc(cache));

function free(kernel: Kernel, cache: Address, objects: readonly Address[]): void {
  for (const object of objects) kernel.kmemCacheFree(cache, object);
}

const WORK: Readonly<Record<string, Work>> = {
  "one CPU, 1 object at a time": (kernel, cache) => {
    kernel.run(() => {
      for (let i = 0; i < OBJECTS; i++) free(kernel, cache, alloc(kernel, cache, 1));
    }, 0);
  },
  "one CPU, 256 in a row": (kernel, cache) => {
    kernel.run(() => {
      for (let i = 0; i < OBJECTS; i += 256) free(kernel, cache, alloc(kernel, cache, 256));
    }, 0);
  },
  "one CPU, 256 in mixed order": (kernel, cache) => {
    kernel.run(() => {
      for (let i = 0; i < OBJECTS; i += 256) {
        const objects = alloc(kernel, cache, 256);
        free(
          kernel,
          cache,
          objects.map((_, j) => objects[(j * 37) % 256] as Address),
        );
      }
    }, 0);
  },
  "allocated here, freed there": (kernel, cache) => {
    for (let i = 0; i < OBJECTS; i += 64) {
      const objects: Address[] = [];
      kernel.run(() => objects.push(...alloc(kernel, cache, 64)), 0);
      kernel.run(() => free(kernel, cache, objects), 1);
    }
  },
};

const KERNELS: readonly [AllocatorName, KernelVersion, sheafCapacity: number][] = [
  ["slab", "4.1", 0],
  ["slub", "4.1", 0],
  ["slub", "6.1", 0],
  ["slub", "6.19", 28],
  ["slub", "7.1", 0],
];

for (const [title, work] of Object.entries(WORK)) {
  process.stdout.write(`${title}\n`);
  for (const [allocator, kernel, sheafCapacity] of KERNELS) {
    const machine = boot(
      { allocator, kernel, cpus: 2, parameters: { slab_nomerge: "" } },
      { memoryClass: CountingMemory },
    );
    const cache = machine.run(() => machine.kmemCacheCreate("work", 256, { sheafCapacity }), 0);
    work(machine, cache);
    locks = 0;
    swaps = 0;
    work(machine, cache);
    const share = (n: number) => (n / (2 * OBJECTS)).toFixed(3);
    process.stdout.write(
      `  ${allocator} ${kernel.padEnd(5)} ${share(swaps)} swaps, ${share(locks)} locks a call\n`,
    );
  }
}
