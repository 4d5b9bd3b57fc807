// SPDX-License-Identifier: GPL-2.0-only
/**
 * Sheaves as objects: they come from kmalloc and go back there. A sheaf is touched by who has it: a
 * CPU under its sheaf lock, the barn under its lock, or a caller that nobody else knows of.
 */
import { getOrder, WORD_SIZE } from "../../caches/alignment.ts";
import { SLAB_KMALLOC } from "../../caches/flags.ts";
import type { Address, Memory } from "../../machine/memory.ts";
import { NUMA_NO_NODE } from "../../machine/topology.ts";
import { __GFP_COMP, __GFP_ZERO } from "../../pages/gfp.ts";
import type { FastPaths } from "../front.ts";
import { __GFP_NO_OBJ_EXT } from "../gfp.ts";
import type { SlubContext } from "../slub-context.ts";
import { KmemCache, type KmemCachePtr } from "../structs.ts";
import { SHEAF_ALLOC, SHEAF_FREE } from "./statistics.ts";
import { SHEAF_HEADER_BYTES, Sheaf, type SheafPtr } from "./structs.ts";

export interface SheavesParts extends FastPaths {
  readonly context: SlubContext;
  readonly kmallocShiftHigh: number;
  kmallocIndexOf(size: number): number;
}

export class Sheaves {
  declare protected readonly parts: SheavesParts;
  declare protected readonly context: SlubContext;
  declare protected readonly memory: Memory;

  constructor(parts: SheavesParts) {
    this.parts = parts;
    this.context = parts.context;
    this.memory = parts.context.memory;
  }

  /** s->sheaf_capacity; 0: the cache has no sheaves, or not yet. */
  capacityOf(s: KmemCachePtr): number {
    return this.memory.read32(s + KmemCache.sheafCapacity);
  }

  /** alloc_empty_sheaf: 0 if there is no memory, or the request is for a sheaf itself. */
  allocEmpty(s: KmemCachePtr, gfp: number, capacity = this.capacityOf(s)): SheafPtr {
    if ((gfp & __GFP_NO_OBJ_EXT) !== 0) return 0;
    const sheaf = this.make(s, gfp, capacity);
    if (sheaf !== 0) this.context.stat(s, SHEAF_ALLOC);
    return sheaf;
  }

  /** A sheaf of any capacity, which is not counted; 0: no memory. */
  make(s: KmemCachePtr, gfp: number, capacity: number): SheafPtr {
    const { memory } = this;
    const sheaf = this.kzalloc(SHEAF_HEADER_BYTES + capacity * WORD_SIZE, this.gfpFor(s, gfp));
    if (sheaf === 0) return 0;
    memory.write32(sheaf + Sheaf.cache, s);
    memory.write32(sheaf + Sheaf.capacity, capacity);
    return sheaf;
  }

  /** A sheaf of a kmalloc cache must not need another sheaf to be made. */
  private gfpFor(s: KmemCachePtr, gfp: number): number {
    const isKmalloc = (this.memory.read32(s + KmemCache.flags) & SLAB_KMALLOC) !== 0;
    return (gfp & ~__GFP_ZERO) | (isKmalloc ? __GFP_NO_OBJ_EXT : 0);
  }

  private kzalloc(bytes: number, gfp: number): Address {
    const { common, pages } = this.context;
    if (bytes <= 1 << this.parts.kmallocShiftHigh) {
      const cache = common.kmallocCache(this.parts.kmallocIndexOf(bytes));
      return this.parts.slabAllocNode(cache, gfp | __GFP_ZERO, NUMA_NO_NODE);
    }
    const page = pages.allocPages(gfp | __GFP_COMP | __GFP_ZERO, getOrder(bytes), NUMA_NO_NODE);
    if (page === 0) return 0;
    const at = pages.pageAddress(page);
    this.memory.fill(at, 0, SHEAF_HEADER_BYTES);
    return at;
  }

  /** free_empty_sheaf */
  freeEmpty(s: KmemCachePtr, sheaf: SheafPtr): void {
    this.context.stat(s, SHEAF_FREE);
    this.context.common.kfree(sheaf);
  }

  size(sheaf: SheafPtr): number {
    return this.memory.read32(sheaf + Sheaf.size);
  }

  setSize(sheaf: SheafPtr, size: number): void {
    this.memory.write32(sheaf + Sheaf.size, size);
  }

  top(sheaf: SheafPtr): Address {
    return this.memory.read32(sheaf + SHEAF_HEADER_BYTES + ((this.size(sheaf) - 1) << 2));
  }

  pop(sheaf: SheafPtr): Address {
    const object = this.top(sheaf);
    this.setSize(sheaf, this.size(sheaf) - 1);
    return object;
  }

  push(sheaf: SheafPtr, object: Address): void {
    const size = this.size(sheaf);
    this.memory.write32(sheaf + SHEAF_HEADER_BYTES + (size << 2), object);
    this.setSize(sheaf, size + 1);
  }

  /** Takes the last `count` objects off, in the order of the array. */
  takeLast(sheaf: SheafPtr, count: number): Address[] {
    const left = this.size(sheaf) - count;
    const objects = this.objects(sheaf);
    this.setSize(sheaf, left);
    return left === 0 ? objects : objects.slice(left);
  }

  /** All objects, in the order of the array. */
  objects(sheaf: SheafPtr): Address[] {
    const size = this.size(sheaf);
    const objects: Address[] = [];
    for (let i = 0; i < size; i++) {
      objects.push(this.memory.read32(sheaf + SHEAF_HEADER_BYTES + (i << 2)));
    }
    return objects;
  }
}
