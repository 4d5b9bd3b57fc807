// SPDX-License-Identifier: GPL-2.0-only
/** Objects that leave sheaves for their slabs, chained by slab (__kmem_cache_free_bulk). */
import type { Address } from "../../machine/memory.ts";
import type { SlubContext } from "../slub-context.ts";
import type { KmemCachePtr } from "../structs.ts";
import type { SheafLock } from "./cpu-sheaves.ts";
import type { DetachedFreelists } from "./detached-freelist.ts";
import type { Sheaves } from "./sheaf.ts";
import type { SheafSlowFree } from "./slow-free.ts";
import { SHEAF_FLUSH } from "./statistics.ts";
import type { CpuSheavesPtr, SheafPtr } from "./structs.ts";

/** How many objects of a main sheaf leave it under one hold of the lock. */
const FLUSH_BATCH = 32;

export interface FlushParts {
  readonly context: SlubContext;
  readonly sheaves: Sheaves;
  readonly sheafLock: SheafLock;
  readonly detachedFreelists: DetachedFreelists;
  readonly slowFree: SheafSlowFree;
}

export class Flush {
  declare protected readonly parts: FlushParts;

  constructor(parts: FlushParts) {
    this.parts = parts;
  }

  /** __kmem_cache_free_bulk. Uses p up. */
  toSlabs(s: KmemCachePtr, p: Address[]): void {
    const { detachedFreelists, slowFree } = this.parts;
    while (p.length > 0) {
      const chain = detachedFreelists.take(s, p);
      slowFree.free(chain.s, chain.page, chain.objects);
    }
  }

  /** sheaf_flush_unused: all objects of a sheaf that is the caller's. */
  sheaf(s: KmemCachePtr, sheaf: SheafPtr): void {
    const { sheaves, context } = this.parts;
    const size = sheaves.size(sheaf);
    if (size === 0) return;
    context.stat(s, SHEAF_FLUSH, size);
    this.toSlabs(s, sheaves.takeLast(sheaf, size));
  }

  /** The same, and the sheaf with them. */
  sheafAndFree(s: KmemCachePtr, sheaf: SheafPtr): void {
    this.sheaf(s, sheaf);
    this.parts.sheaves.freeEmpty(s, sheaf);
  }

  /**
   * sheaf_flush_main: this CPU's main sheaf, a batch at a time. `lock` takes the sheaf lock, or not:
   * then the rest stays. Whether anything was flushed.
   */
  main(s: KmemCachePtr, lock: () => CpuSheavesPtr): boolean {
    const { sheaves, sheafLock, context } = this.parts;
    let flushed = false;
    for (;;) {
      const pcs = lock();
      if (pcs === 0) return flushed;
      const sheaf = sheafLock.main(pcs);
      const count = Math.min(sheaves.size(sheaf), FLUSH_BATCH);
      const batch = sheaves.takeLast(sheaf, count);
      const isEmpty = sheaves.size(sheaf) === 0;
      sheafLock.unlock(pcs);
      if (count > 0) {
        this.toSlabs(s, batch);
        context.stat(s, SHEAF_FLUSH, count);
        flushed = true;
      }
      if (isEmpty) return flushed;
    }
  }
}
