// SPDX-License-Identifier: GPL-2.0-only
/**
 * Allocators that were not made for threads, the only way threads can share one: every call inside
 * of one lock.
 */
import type { Address, Memory } from "../../../src/machine/memory.ts";
import type { ScaleControl } from "../control.ts";
import type { Subject } from "../subject.ts";

/** An allocator over a stretch of the machine's memory. */
export interface PlainAllocator {
  malloc(size: number): Address;
  free(object: Address): void;
}

export class LockedSubject implements Subject<Address> {
  declare private readonly control: ScaleControl;
  declare private readonly memory: Memory;
  declare private readonly allocator: PlainAllocator;

  constructor(control: ScaleControl, allocator: PlainAllocator) {
    this.control = control;
    this.memory = control.memory;
    this.allocator = allocator;
  }

  prepare(): void {}

  alloc(size: number): Address {
    this.control.lock();
    const object = this.allocator.malloc(size);
    this.control.unlock();
    return object;
  }

  free(object: Address): void {
    this.control.lock();
    this.allocator.free(object);
    this.control.unlock();
  }

  /** One lock for all of them. */
  allocBulk(size: number, count: number, objects: Address[]): void {
    this.control.lock();
    for (let i = 0; i < count; i++) objects[i] = this.allocator.malloc(size);
    this.control.unlock();
  }

  freeBulk(count: number, objects: Address[]): void {
    this.control.lock();
    for (let i = 0; i < count; i++) this.allocator.free(objects[i] as Address);
    this.control.unlock();
  }

  touch(object: Address, bytes: number, times: number): void {
    for (let n = 0; n < times; n++) {
      for (let at = 0; at < bytes; at += 4) this.memory.write32(object + at, n);
    }
  }

  run<T>(work: () => T): T {
    return work();
  }
}
