/**
 * Bulk allocation pops by plain stores and enters the slow path, where interrupts may go on, without
 * a new tid: an interrupted free finds the tid it knows and an empty list. Only the era of R01 has
 * the hole; its fix closes this one as well.
 */
import { onSlub } from "../../kernel/classes.ts";
import { seedEra } from "../../slub/cpu-slab/era-seed.ts";
import type { Mutation } from "./mutation.ts";

export const R02: Mutation = {
  id: "R02",
  title: "mm: slub: add missing TID bump in kmem_cache_alloc_bulk()",
  commit: "fd4d9c7d0c71",
  year: 2020,
  expect: ["lost-object", "double-allocation", "wrong-slab", "counter-drift", "use-after-free"],
  change: onSlub((classes) => ({
    ...seedEra(classes),
    Bulk: class extends classes.Bulk {
      protected override bumpBeforeSlowPath(): void {}
    },
  })),
};
