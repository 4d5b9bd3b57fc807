// SPDX-License-Identifier: GPL-2.0-only
/**
 * Allocators that were not made for threads, the only way threads can share one: every call inside
 * of one lock.
 */
import type { Address } from "../../../src/machine/memory.ts";
import type { ScaleControl } from "../control.ts";
import type { Subject } from "../subject.ts";

/** An allocator over a stretch of the machine's memory. */
export interface PlainAllocator {
  malloc(size: number): Address;
  free(object: Address): void;
}

export function lockedSubject(control: ScaleControl, allocator: PlainAllocator): Subject<Address> {
  const { memory } = control;
  return {
    alloc(size) {
      control.lock();
      const object = allocator.malloc(size);
      control.unlock();
      return object;
    },
    free(object) {
      control.lock();
      allocator.free(object);
      control.unlock();
    },
    /** One lock for all of them. */
    allocBulk(size, count, objects) {
      control.lock();
      for (let i = 0; i < count; i++) objects[i] = allocator.malloc(size);
      control.unlock();
    },
    freeBulk(count, objects) {
      control.lock();
      for (let i = 0; i < count; i++) allocator.free(objects[i] as Address);
      control.unlock();
    },
    touch(object, bytes, times) {
      for (let n = 0; n < times; n++) {
        for (let at = 0; at < bytes; at += 4) memory.write32(object + at, n);
      }
    },
    run: (work) => work(),
  };
}
