/**
 * Slips of a few characters, one for each mechanism: a check forgotten, a swap that is taken for done,
 * a step out of order. Each is an edit of the source's text, made while a module is loaded (mutate.ts),
 * so that free functions and the machine can be changed, too.
 */
import type { AllocatorName } from "../../src/caches/flags.ts";
import { DEFAULT_KERNEL, type KernelVersion } from "../../src/caches/kernel-version.ts";
import { COUNTS_OF_4_1, COUNTS_OF_6_1, COUNTS_OF_7_1, COUNTS_OF_SLAB } from "./counts.ts";
import { CPU_SLABS } from "./cpu-slabs.ts";
import type { Edit } from "./edit.ts";
import { CPU_SLABS_OF_6_1, CPU_SLABS_OF_6_19, SLAB_OF_6_1 } from "./later-kernels.ts";
import { MACHINE } from "./machine.ts";
import { SHEAVES_EDITS } from "./sheaves.ts";
import { SLAB } from "./slab.ts";

export interface Mutant extends Edit {
  readonly allocator: AllocatorName;
  readonly kernel: KernelVersion;
}

const on =
  (allocator: AllocatorName, kernel: KernelVersion = DEFAULT_KERNEL) =>
  (edit: Edit): Mutant => ({ ...edit, allocator, kernel });

export const MUTANTS: readonly Mutant[] = [
  ...CPU_SLABS.map(on("slub")),
  ...CPU_SLABS_OF_6_1.map(on("slub", "6.1")),
  ...CPU_SLABS_OF_6_19.map(on("slub", "6.19")),
  ...MACHINE.map(on("slub")),
  ...SLAB.map(on("slab")),
  ...SLAB_OF_6_1.map(on("slab", "6.1")),
  ...SHEAVES_EDITS.map(on("slub", "7.1")),
  ...COUNTS_OF_4_1.map(on("slub")),
  ...COUNTS_OF_6_1.map(on("slub", "6.1")),
  ...COUNTS_OF_7_1.map(on("slub", "7.1")),
  ...COUNTS_OF_SLAB.map(on("slab")),
];
