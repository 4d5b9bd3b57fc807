// SPDX-License-Identifier: GPL-2.0-only
/** The layouts of sheaves, of what a CPU has of them, and of a node's barn. */
import type { Ptr } from "../../machine/memory.ts";
import { lock } from "../../machine/spinlock.ts";
import { list, ptr, struct, word } from "../../machine/struct.ts";

export type SheafPtr = Ptr<"slab_sheaf">;
export type CpuSheavesPtr = Ptr<"slub_percpu_sheaves">;
export type BarnPtr = Ptr<"node_barn">;

/** sizeof(struct slab_sheaf) of a 7.1 kernel, without the objects; each takes WORD_SIZE more. */
export const SHEAF_HEADER_BYTES = 32;

/** An array of free objects of any slabs of one cache: a stack, the last is handed out next. */
export const Sheaf = struct(
  "slab_sheaf",
  {
    /** On a list of the barn; the rcu_head while it waits for a grace period. */
    link: list,
    cache: ptr,
    size: word,
    /** Objects that it holds at most. The kernel only knows it of a sheaf that was handed out. */
    capacity: word,
    /** Of an rcu sheaf: whose barn it goes to. */
    node: word,
    /** PREFILLED while a caller holds it, so that anything else given for such a sheaf is refused. */
    mark: word,
  },
  SHEAF_HEADER_BYTES,
);

export const PREFILLED = 0x5eaf_0001;

/**
 * What a CPU has of a cache. Only the CPU itself touches it, with `locked` set and preemption off;
 * another does so for a CPU that is absent.
 */
export const CpuSheaves = struct("slub_percpu_sheaves", {
  /** local_trylock_t: a word of this CPU, so that only an interrupt can find it set. */
  locked: word,
  /** Never NULL. */
  main: ptr,
  /** Full or empty, or NULL; in between only where a prefilled sheaf was returned. */
  spare: ptr,
  /** Collects objects of kfree_rcu, or NULL. */
  rcuFree: ptr,
});

/** sizeof(struct node_barn) of a 7.1 kernel. */
export const BARN_BYTES = 48;

/** A node's store of sheaves. `lock` guards all; the counts are also read without it, as hints. */
export const Barn = struct(
  "node_barn",
  { lock, full: list, empty: list, nrFull: word, nrEmpty: word },
  BARN_BYTES,
);
