// SPDX-License-Identifier: GPL-2.0-only
/**
 * The library, as programs use it: kmalloc for any size, or a cache of its own for each size. The
 * kernel is a constant of the functions that call it, as the documentation tells a program to keep it.
 */
import { type Kernel, systemOf } from "../../../src/kernel/kernel.ts";
import type { Address } from "../../../src/machine/memory.ts";
import type { Subject } from "../subject.ts";
import type { SubjectKind } from "./index.ts";

function common(kernel: Kernel): Pick<Subject<Address>, "touch" | "run"> {
  return {
    touch(object, bytes, times) {
      const { memory } = systemOf(kernel);
      for (let n = 0; n < times; n++) {
        for (let at = 0; at < bytes; at += 4) memory.write32(object + at, n);
      }
    },
    run: (work) => kernel.run(work),
  };
}

function kmallocSubject(kernel: Kernel): Subject<Address> {
  return {
    ...common(kernel),
    alloc: (size) => kernel.kmalloc(size),
    free: (object) => kernel.kfree(object),
    /** Linux has no kmalloc_bulk. */
    allocBulk(size, count, objects) {
      for (let i = 0; i < count; i++) objects[i] = kernel.kmalloc(size);
    },
    /** kfree_bulk */
    freeBulk: (count, objects) => kernel.kmemCacheFreeBulk(0, count, objects),
  };
}

function kmemCacheSubject(kernel: Kernel, cache: Address): Subject<Address> {
  return {
    ...common(kernel),
    alloc: () => kernel.kmemCacheAlloc(cache),
    free: (object) => kernel.kmemCacheFree(cache, object),
    allocBulk: (_, count, objects) => kernel.kmemCacheAllocBulk(cache, count, objects),
    freeBulk: (count, objects) => kernel.kmemCacheFreeBulk(cache, count, objects),
  };
}

/** By size: the caches made beforehand. */
export type Caches = ReadonlyMap<number, Address>;

export function kernelSubject(
  kernel: Kernel,
  kind: SubjectKind,
  caches: Caches,
  size: number,
): Subject<Address> {
  if (kind !== "cache") return kmallocSubject(kernel);
  const cache = caches.get(size);
  if (cache === undefined) throw new RangeError(`no cache was made for ${size} bytes`);
  return kmemCacheSubject(kernel, cache);
}
