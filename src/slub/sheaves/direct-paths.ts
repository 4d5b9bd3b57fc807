// SPDX-License-Identifier: GPL-2.0-only
/**
 * The fast paths of sheaves for direct memory: what fast-paths.ts does, where nothing can come in
 * between. On direct memory a task is disturbed at `poll` and while it waits, and never waits with the
 * sheaf lock held and interrupts on: so nobody ever finds the lock taken, and it need not be. Rare
 * cases are left to the methods that these override.
 *
 * The two of 7.1 have the bodies of takeFromMain and putOnMain in them, shorter by a tenth: with all
 * that is around them they are just small enough for V8 to inline both into a caller's loop.
 *
 * A thread that is ended in the middle leaves an object that is either in the sheaf or in its hands.
 */
import type { DirectMemory } from "../../machine/direct-memory.ts";
import type { Address } from "../../machine/memory.ts";
import { NUMA_NO_NODE } from "../../machine/topology.ts";
import { __GFP_ZERO } from "../../pages/gfp.ts";
import type { PagePtr } from "../../pages/page.ts";
import type { SheafClasses } from "../kernels.ts";
import { KmemCache, type KmemCachePtr } from "../structs.ts";
import { BULK_WRITTEN_OUT, withDirectBulk } from "./direct-bulk.ts";
import { SLABS_WRITTEN_OUT, withDirectSlabs } from "./direct-slabs.ts";
import type { SheafSlub } from "./slub.ts";
import { ALLOC_FASTPATH, FREE_FASTPATH } from "./statistics.ts";
import { CpuSheaves, SHEAF_HEADER_BYTES, Sheaf } from "./structs.ts";

// Local names: see machine/inlining.ts. Those of a CPU's words, and of a sheaf's, count words.
const TAKEN = ALLOC_FASTPATH;
const PUT = FREE_FASTPATH;
const NO_NODE = NUMA_NO_NODE;
const GFP_ZERO = __GFP_ZERO;
const CACHE_CPU_SHEAVES = KmemCache.cpuSheaves;
const CACHE_CPU_STATS = KmemCache.cpuStats;
const CACHE_CAPACITY = KmemCache.sheafCapacity;
const MAIN = CpuSheaves.main >> 2;
const SIZE = Sheaf.size >> 2;
const OBJECTS = SHEAF_HEADER_BYTES >> 2;
/** From a sheaf's size to its first object. */
const FIRST = OBJECTS - SIZE;

/** What the paths do themselves: they are right only where no class of the table has it otherwise. */
export const MAIN_WRITTEN_OUT = {
  Sheaves: ["capacityOf", "size", "top", "pop", "push"],
  SheafLock: ["trylock", "unlock", "main"],
  SheafFastPaths: ["alloc", "free", "accepts", "nodeOfObject"],
} as const;

export const SHEAVES_WRITTEN_OUT = {
  ...SLABS_WRITTEN_OUT,
  ...BULK_WRITTEN_OUT,
  ...MAIN_WRITTEN_OUT,
  Sheaves: [...MAIN_WRITTEN_OUT.Sheaves, "setSize", "takeLast", "objects"],
} as const;

/** Takes the last object of this CPU's main sheaf, counted as `event`; 0: it is empty. */
export function takeFromMain(memory: DirectMemory, s: KmemCachePtr, event: number): Address {
  const { words, area } = memory;
  const main = words[
    ((area + (words[(s + CACHE_CPU_SHEAVES) >> 2] as number)) >> 2) + MAIN
  ] as number;
  const sheaf = main >> 2;
  const left = (words[sheaf + SIZE] as number) - 1;
  if (left < 0) return 0;
  words[sheaf + SIZE] = left;
  (words[((area + (words[(s + CACHE_CPU_STATS) >> 2] as number)) >> 2) + event] as number) += 1;
  return words[sheaf + OBJECTS + left] as number;
}

/** Puts an object of this CPU's node on its main sheaf, counted as `event`; false: it is full. */
export function putOnMain(
  memory: DirectMemory,
  s: KmemCachePtr,
  object: Address,
  event: number,
): boolean {
  const { words, area } = memory;
  const main = words[
    ((area + (words[(s + CACHE_CPU_SHEAVES) >> 2] as number)) >> 2) + MAIN
  ] as number;
  const sheaf = main >> 2;
  const size = words[sheaf + SIZE] as number;
  if (size >= (words[(s + CACHE_CAPACITY) >> 2] as number)) return false;
  words[sheaf + OBJECTS + size] = object;
  words[sheaf + SIZE] = size + 1;
  (words[((area + (words[(s + CACHE_CPU_STATS) >> 2] as number)) >> 2) + event] as number) += 1;
  return true;
}

type Allocation = (s: KmemCachePtr, gfp: number, node: number) => Address;

export function withDirectSheafPaths(classes: SheafClasses): Partial<SheafClasses> {
  return {
    ...withDirectSlabs(classes),
    ...withDirectBulk(classes),
    Allocator: class extends classes.Allocator {
      declare protected readonly memory: DirectMemory;
      declare private readonly hasOtherNodes: boolean;
      /** In an array, since V8 inlines no function that it finds in one: see machine/inlining.ts. */
      declare private readonly others: readonly Allocation[];

      constructor(...[common, parts]: ConstructorParameters<typeof SheafSlub>) {
        super(common, parts);
        this.hasOtherNodes = common.machine.options.nodes > 1;
        this.others = [
          (s, gfp, node) => super.slabAllocNode(s, gfp, node),
          (s, gfp, node) => this.allocFitting(s, gfp, node),
        ];
      }

      override slabAllocNode(s: KmemCachePtr, gfp: number, node: number): Address {
        const { words, area } = this.memory;
        const pcs = (area + (words[(s + CACHE_CPU_SHEAVES) >> 2] as number)) >> 2;
        const at = ((words[pcs + MAIN] as number) >> 2) + SIZE;
        const left = (words[at] as number) - 1;
        if (left < 0 || node !== NO_NODE || (gfp & GFP_ZERO) !== 0) {
          return (this.others[left < 0 ? 0 : 1] as Allocation)(s, gfp, node);
        }
        words[at] = left;
        (words[((area + (words[(s + CACHE_CPU_STATS) >> 2] as number)) >> 2) + TAKEN] as number) +=
          1;
        return words[at + FIRST + left] as number;
      }

      /** The main sheaf has objects, but not any will do as it is. */
      private allocFitting(s: KmemCachePtr, gfp: number, node: number): Address {
        const object = node === NO_NODE ? takeFromMain(this.memory, s, TAKEN) : 0;
        return object === 0 ? super.slabAllocNode(s, gfp, node) : this.zeroed(s, object);
      }

      override slabFree(s: KmemCachePtr, page: PagePtr, object: Address): void {
        const { words, area } = this.memory;
        const pcs = (area + (words[(s + CACHE_CPU_SHEAVES) >> 2] as number)) >> 2;
        const at = ((words[pcs + MAIN] as number) >> 2) + SIZE;
        const size = words[at] as number;
        if (size >= (words[(s + CACHE_CAPACITY) >> 2] as number) || this.hasOtherNodes) {
          this.freeOtherwise(s, page, object);
          return;
        }
        words[at + FIRST + size] = object;
        words[at] = size + 1;
        (words[((area + (words[(s + CACHE_CPU_STATS) >> 2] as number)) >> 2) + PUT] as number) += 1;
      }

      private freeOtherwise(s: KmemCachePtr, page: PagePtr, object: Address): void {
        const isHere = this.hasOtherNodes && this.fastPaths.accepts(object);
        if (!isHere || !putOnMain(this.memory, s, object, PUT)) super.slabFree(s, page, object);
      }
    },
  };
}
