// SPDX-License-Identifier: GPL-2.0-only
/** No allocator at all: the cost of the workload itself, the passing of batches included. */
import type { Address } from "../../../src/machine/memory.ts";
import type { Subject } from "../subject.ts";

export const nothing: Subject<Address> = {
  alloc: (size) => size,
  free() {},
  allocBulk(size, count, objects) {
    for (let i = 0; i < count; i++) objects[i] = size;
  },
  freeBulk() {},
  touch() {},
  run: (work) => work(),
};
