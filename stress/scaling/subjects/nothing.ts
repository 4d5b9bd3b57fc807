// SPDX-License-Identifier: GPL-2.0-only
/** No allocator at all: the cost of the workload itself, the passing of batches included. */
import type { Address } from "../../../src/machine/memory.ts";
import type { Subject } from "../subject.ts";

export class NothingSubject implements Subject<Address> {
  prepare(): void {}

  alloc(size: number): Address {
    return size;
  }

  free(_object: Address): void {}

  allocBulk(size: number, count: number, objects: Address[]): void {
    for (let i = 0; i < count; i++) objects[i] = size;
  }

  freeBulk(_count: number, _objects: Address[]): void {}

  touch(): void {}

  run<T>(work: () => T): T {
    return work();
  }
}
