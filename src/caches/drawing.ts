// SPDX-License-Identifier: GPL-2.0-only
/** A cache drawn for people: what its words are called, and what lies where at one moment. */
import type { Address } from "../machine/memory.ts";
import type { PagePtr } from "../pages/page.ts";
import type { KmemCachePtr } from "./kmem-cache.ts";

/** What a word is, in the kernel's words. */
export interface Named {
  /** `cpu 0: c->freelist` */
  readonly name: string;
  /** The same for every CPU, node and object: `kmem_cache_cpu.freelist`. */
  readonly field: string;
  /** How a value of it is written, where a number says little. */
  readonly draw?: (value: number) => string;
}

/** A named list of objects or slabs, such as `freelist` of a CPU. */
export interface ListState {
  readonly name: string;
  readonly entries: readonly string[];
}

export interface PlaceState {
  /** `CPU 0`, `node 0`. */
  readonly name: string;
  /** Single words: the tid, the cpu slab, nr_partial. */
  readonly facts: readonly string[];
  readonly lists: readonly ListState[];
}

export interface SlabState {
  readonly objects: number;
  /** `2 of 4 in use, frozen`. */
  readonly counters: string;
  readonly freelist: readonly string[];
}

/** How a drawing reads the memory, and how it writes an object, a slab or a number. */
export interface Reading {
  /** The word at an address, 0 where there is none. */
  peek(address: Address): number;
  draw(value: number): string;
}

/** One allocator's drawing of a cache. Lists may be in the middle of a change: every walk is bounded. */
export interface CacheDrawing {
  /** What a CPU has of the cache. */
  cpu(s: KmemCachePtr, cpu: number): PlaceState;
  node(nid: number, n: Address): PlaceState;
  slab(s: KmemCachePtr, page: PagePtr): SlabState;
  /** Where the first object of a slab begins. */
  firstObject(s: KmemCachePtr, page: PagePtr): Address;

  /** The word `into` the CPU's part of a cache; undefined: it lies beyond. */
  cpuWord(s: KmemCachePtr, into: number): Named | undefined;
  /** A word of struct kmem_cache, by its offset. */
  cacheWord(into: number): Named | undefined;
  /** A word of struct kmem_cache_node, or of what belongs to the node. */
  nodeWord(address: Address, nid: number, n: Address): Named | undefined;
  /** A word of a free or allocated object, by its offset: `: next`, `+16`. */
  objectWord(s: KmemCachePtr, into: number): string;
  /** page->counters of a slab. */
  drawCounters(value: number): string;
}

/** A longer list than this is torn or circular. */
export const LONGEST_LIST = 64;

/** The slabs of a list of page->lru, drawn. */
export function drawSlabList({ peek, draw }: Reading, head: Address, lru: number): string[] {
  const found: string[] = [];
  for (let at = peek(head); at !== head && at !== 0 && found.length < LONGEST_LIST; at = peek(at)) {
    found.push(draw(at - lru));
  }
  return found;
}

export function lockFact({ peek }: Reading, listLock: Address): string {
  return peek(listLock) === 0 ? "list_lock free" : "list_lock held";
}
