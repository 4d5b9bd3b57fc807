// SPDX-License-Identifier: GPL-2.0-only
/** Many allocations, then as many frees, in the same order or in any: slabs fill up and drain. */
import type { Random } from "../../random.ts";
import type { Handle } from "../subject.ts";
import type { Player, PlayerContext, Workload } from "../workload.ts";

const OBJECTS = 10_000;
/** Large objects are fewer, so that a CPU holds no more than this. */
export const MOST_BYTES = 16 * 1024 * 1024;

const common = {
  origin: "C. Lameter's slab benchmark (2.6.2x, N allocs then N frees)",
  module: import.meta.url,
  sizes: "single",
  crossing: false,
  leastCpus: 1,
  sides: 1,
} as const;

function start<H extends Handle>(
  { subject, size }: PlayerContext<H>,
  order: readonly number[],
): Player {
  const objects: H[] = new Array(order.length);
  return {
    run(operations) {
      const rounds = Math.max(1, Math.round(operations / objects.length));
      for (let round = 0; round < rounds; round++) {
        for (let i = 0; i < objects.length; i++) objects[i] = subject.alloc(size);
        for (let i = 0; i < order.length; i++) subject.free(objects[order[i] as number] as H);
      }
      return rounds * objects.length;
    },
    finish() {},
  };
}

function upwards(size: number): number[] {
  return Array.from({ length: Math.min(OBJECTS, Math.floor(MOST_BYTES / size)) }, (_, i) => i);
}

/** Fisher and Yates' shuffle. */
function shuffled(order: number[], random: Random): number[] {
  for (let i = order.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    const kept = order[i] as number;
    order[i] = order[j] as number;
    order[j] = kept;
  }
  return order;
}

export const fifo: Workload = {
  ...common,
  name: "fifo",
  about: "10,000 allocations, then frees in the same order",
  start: (context) => start(context, upwards(context.size)),
};

export const randomOrder: Workload = {
  ...common,
  name: "random",
  about: "10,000 allocations, then frees in random order",
  start: (context) => start(context, shuffled(upwards(context.size), context.random)),
};
