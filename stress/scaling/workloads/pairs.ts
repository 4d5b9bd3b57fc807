// SPDX-License-Identifier: GPL-2.0-only
/** Allocate, free, again: the fast path alone. */
import type { Handle } from "../subject.ts";
import type { PlayerContext, Workload } from "../workload.ts";

export const pairs: Workload = {
  name: "pairs",
  about: "allocate and free at once, again and again",
  origin: "C. Lameter's slab benchmark (2.6.2x, alloc/free test)",
  module: import.meta.url,
  sizes: "single",
  crossing: false,
  leastCpus: 1,
  sides: 1,
  start<H extends Handle>({ subject, size }: PlayerContext<H>) {
    return {
      run(operations: number): number {
        for (let i = 0; i < operations; i++) subject.free(subject.alloc(size));
        return operations;
      },
      finish() {},
    };
  },
};
