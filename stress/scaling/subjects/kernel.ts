// SPDX-License-Identifier: GPL-2.0-only
/** The library, as programs use it: kmalloc for any size, or a cache of its own for each size. */
import { type Kernel, systemOf } from "../../../src/kernel/kernel.ts";
import type { Address } from "../../../src/machine/memory.ts";
import { NUMA_NO_NODE } from "../../../src/machine/topology.ts";
import { GFP_KERNEL } from "../../../src/pages/gfp.ts";
import type { Subject } from "../subject.ts";

/** Writes each word of an object's first `bytes`, `times` times over. */
function touchWords(kernel: Kernel, object: Address, bytes: number, times: number): void {
  const { memory } = systemOf(kernel);
  for (let n = 0; n < times; n++) {
    for (let at = 0; at < bytes; at += 4) memory.write32(object + at, n);
  }
}

export class KmallocSubject implements Subject<Address> {
  declare private readonly kernel: Kernel;

  constructor(kernel: Kernel) {
    this.kernel = kernel;
  }

  prepare(): void {}

  alloc(size: number): Address {
    return this.kernel.kmallocNode(size, GFP_KERNEL, NUMA_NO_NODE);
  }

  free(object: Address): void {
    this.kernel.kfree(object);
  }

  /** Linux has no kmalloc_bulk. */
  allocBulk(size: number, count: number, objects: Address[]): void {
    for (let i = 0; i < count; i++) objects[i] = this.alloc(size);
  }

  /** kfree_bulk */
  freeBulk(count: number, objects: Address[]): void {
    this.kernel.kmemCacheFreeBulk(0, count, objects);
  }

  touch(object: Address, bytes: number, times: number): void {
    touchWords(this.kernel, object, bytes, times);
  }

  run<T>(work: () => T): T {
    return this.kernel.run(work);
  }
}

export class KmemCacheSubject implements Subject<Address> {
  declare private readonly kernel: Kernel;
  declare private readonly caches: ReadonlyMap<number, Address>;
  private cache: Address = 0;

  constructor(kernel: Kernel, caches: ReadonlyMap<number, Address>) {
    this.kernel = kernel;
    this.caches = caches;
  }

  prepare(size: number): void {
    const cache = this.caches.get(size);
    if (cache === undefined) throw new RangeError(`no cache was made for ${size} bytes`);
    this.cache = cache;
  }

  alloc(_size: number): Address {
    return this.kernel.kmemCacheAllocNode(this.cache, GFP_KERNEL, NUMA_NO_NODE);
  }

  free(object: Address): void {
    this.kernel.kmemCacheFree(this.cache, object);
  }

  allocBulk(_size: number, count: number, objects: Address[]): void {
    this.kernel.kmemCacheAllocBulk(this.cache, count, objects);
  }

  freeBulk(count: number, objects: Address[]): void {
    this.kernel.kmemCacheFreeBulk(this.cache, count, objects);
  }

  touch(object: Address, bytes: number, times: number): void {
    touchWords(this.kernel, object, bytes, times);
  }

  run<T>(work: () => T): T {
    return this.kernel.run(work);
  }
}
