// SPDX-License-Identifier: GPL-2.0-only
/**
 * KFENCE's pool: a block of pages from which no slab is made. Each object has a page of its own between
 * two guard pages; a page that nobody may access now is marked in its descriptor, where a kernel would
 * take it out of the page table.
 *
 *     | guard | guard | object 0 | guard | object 1 | guard | …        a page each
 *
 * What KFENCE knows of each object lies in static memory, so that no write through a view reaches it.
 */
import { KernelBug } from "../../machine/kernel-bug.ts";
import { listAddTail } from "../../machine/list.ts";
import { type Machine, PAGE_SHIFT, PAGE_SIZE } from "../../machine/machine.ts";
import type { Address, Memory, Ptr } from "../../machine/memory.ts";
import { RcuHead } from "../../machine/rcu.ts";
import { array, embed, list, ptr, sizeOf, struct, word } from "../../machine/struct.ts";
import { NUMA_NO_NODE } from "../../machine/topology.ts";
import { GFP_KERNEL } from "../../pages/gfp.ts";
import { Page, type PagePtr, PG_KFENCE_PROTECTED, PG_SLAB } from "../../pages/page.ts";
import type { Pages } from "../../pages/pages.ts";
import { MEMCG_DATA_OBJCGS } from "../memcg/obj-cgroups.ts";

/** struct kfence_track */
export const KfenceTrack = struct("kfence_track", {
  task: word,
  cpu: word,
  when: word,
  stack: word,
});

export type KfenceMetaPtr = Ptr<"kfence_metadata">;

export const KfenceMeta = struct("kfence_metadata", {
  /** KFENCE_OBJECT_: changed by cmpxchg, so that of two frees one succeeds. */
  state: word,
  /** Its entry in the list of objects that can be had. */
  list,
  rcu: embed(RcuHead),
  /** 0: the cache was destroyed. */
  cache: ptr,
  address: ptr,
  size: word,
  /** A guard page that was opened by a report; 0: none. */
  unprotected: ptr,
  allocStackHash: word,
  allocTrack: embed(KfenceTrack),
  freeTrack: embed(KfenceTrack),
  /** The vector of its slab, of one entry: the group that the object is charged to. */
  objExts: array(word, 2),
});

export const KFENCE_OBJECT_UNUSED = 0;
export const KFENCE_OBJECT_ALLOCATED = 1;
export const KFENCE_OBJECT_RCU_FREEING = 2;
export const KFENCE_OBJECT_FREED = 3;

const PoolState = struct("kfence_pool", { start: ptr });

export class KfencePool {
  declare private readonly memory: Memory;
  declare private readonly pages: Pages;
  declare readonly objects: number;
  /** Bytes. */
  declare readonly size: number;
  declare private readonly at: Address;
  declare private readonly metas: Address;
  /** Where it lies, as soon as this thread has found that out: it never moves. */
  private known: Address = 0;

  constructor(machine: Machine, pages: Pages, objects: number) {
    this.memory = machine.memory;
    this.pages = pages;
    this.objects = objects;
    this.size = 2 * (objects + 1) * PAGE_SIZE;
    this.at = machine.statics.allocate(PoolState, "kfence_pool");
    this.metas = machine.statics.words((objects * sizeOf(KfenceMeta)) / 4, "kfence_metadata");
  }

  /** The first byte; 0 until the boot is over. */
  get start(): Address {
    if (this.known === 0) this.known = this.memory.readOnce(this.at + PoolState.start);
    return this.known;
  }

  /**
   * kfence_init_pool: takes the pages, and puts all objects on `freelist` in a random order.
   * @throws KernelBug where there are not so many in a row
   */
  init(freelist: Address): void {
    const { memory, pages } = this;
    const order = 31 - Math.clz32(this.size >> PAGE_SHIFT);
    const block = pages.allocPages(GFP_KERNEL, order, NUMA_NO_NODE);
    if (block === 0) {
      throw new KernelBug("out-of-memory", `kfence: no ${this.size} bytes in a row for the pool`);
    }
    const start = pages.pageAddress(block);
    for (let at = start; at < start + this.size; at += PAGE_SIZE) this.protect(at);
    const indexes = Array.from({ length: this.objects }, (_, i) => i);
    for (let i = indexes.length - 1; i > 0; i--) {
      const j = (memory.random() >>> 0) % (i + 1);
      [indexes[i], indexes[j]] = [indexes[j] as number, indexes[i] as number];
    }
    for (const index of indexes) {
      listAddTail(memory, this.meta(index) + KfenceMeta.list, freelist);
      const page = pages.virtToPage(start + this.offsetOf(index));
      memory.write32(page + Page.flags, memory.read32(page + Page.flags) | PG_SLAB);
      const vector = this.meta(index) + KfenceMeta.objExts;
      memory.write32(page + Page.memcgData, vector | MEMCG_DATA_OBJCGS);
    }
    memory.writeOnce(this.at + PoolState.start, start);
  }

  private offsetOf(index: number): number {
    return (index + 1) * 2 * PAGE_SIZE;
  }

  /** is_kfence_address */
  has(address: Address): boolean {
    const { start } = this;
    return start !== 0 && address >= start && address - start < this.size;
  }

  meta(index: number): KfenceMetaPtr {
    return this.metas + index * sizeOf(KfenceMeta);
  }

  /** All of them, in the order of their pages. */
  metasInOrder(): KfenceMetaPtr[] {
    return Array.from({ length: this.objects }, (_, index) => this.meta(index));
  }

  indexOf(meta: KfenceMetaPtr): number {
    return (meta - this.metas) / sizeOf(KfenceMeta);
  }

  /** addr_to_metadata: of an address in an object's page or in the guard page behind it; 0: neither. */
  metaOf(address: Address): KfenceMetaPtr {
    if (!this.has(address)) return 0;
    const index = Math.floor((address - this.start) / (2 * PAGE_SIZE)) - 1;
    return index < 0 ? 0 : this.meta(index);
  }

  /** metadata_to_pageaddr */
  pageOf(meta: KfenceMetaPtr): Address {
    return this.start + this.offsetOf(this.indexOf(meta));
  }

  isGuardPage(address: Address): boolean {
    return ((address - this.start) & PAGE_SIZE) !== 0;
  }

  private descriptor(address: Address): PagePtr {
    return this.pages.virtToPage(address);
  }

  isProtected(address: Address): boolean {
    const flags = this.memory.readOnce(this.descriptor(address) + Page.flags);
    return (flags & PG_KFENCE_PROTECTED) !== 0;
  }

  /** kfence_protect */
  protect(address: Address): void {
    const at = this.descriptor(address) + Page.flags;
    this.memory.writeOnce(at, this.memory.readOnce(at) | PG_KFENCE_PROTECTED);
  }

  /** kfence_unprotect */
  unprotect(address: Address): void {
    const at = this.descriptor(address) + Page.flags;
    this.memory.writeOnce(at, this.memory.readOnce(at) & ~PG_KFENCE_PROTECTED);
  }

  /** The page is a slab of that cache from here on, with one object. */
  setSlab(meta: KfenceMetaPtr, s: Address, object: Address): void {
    const { memory } = this;
    const page = this.descriptor(this.pageOf(meta));
    memory.write32(meta + KfenceMeta.cache, s);
    memory.write32(meta + KfenceMeta.address, object);
    memory.write32(page + Page.slabCache, s);
    memory.write32(page + Page.sMem, object);
  }
}
