// SPDX-License-Identifier: GPL-2.0-only
/**
 * Slots chosen by Pareto's law, so that some live for a moment and some for ever: a full one is
 * freed, an empty one filled with an object of a size by the same law, and written.
 */
import type { Handle } from "../subject.ts";
import type { PlayerContext, Workload } from "../workload.ts";

const SLOTS = 4096;
const MOST_BYTES = 1024;
/** Choices are made beforehand, so that chance costs nothing in the loop. */
const CHOICES = 16_384;

export const allocTest: Workload = {
  name: "alloc-test",
  about: "sizes and lifetimes by Pareto's law, every object written",
  origin: "OLogN Technologies, alloc-test (2018)",
  module: import.meta.url,
  sizes: "mixed",
  crossing: false,
  leastCpus: 1,
  sides: 1,
  start<H extends Handle>({ subject, random }: PlayerContext<H>) {
    const slots: (H | undefined)[] = new Array(SLOTS).fill(undefined);
    const choices = Array.from({ length: CHOICES }, () => random.pareto(1, SLOTS, 0.3) - 1);
    const sizes = Array.from({ length: CHOICES }, () => random.pareto(8, MOST_BYTES, 1));
    let choice = 0;
    return {
      run(operations: number): number {
        let freed = 0;
        while (freed < operations) {
          const slot = choices[choice] as number;
          const size = sizes[choice] as number;
          choice = (choice + 1) & (CHOICES - 1);
          const object = slots[slot];
          if (object === undefined) {
            const made = subject.alloc(size);
            subject.touch(made, size, 1);
            slots[slot] = made;
          } else {
            subject.free(object);
            slots[slot] = undefined;
            freed++;
          }
        }
        return freed;
      },
      finish() {
        for (const object of slots) if (object !== undefined) subject.free(object);
      },
    };
  },
};
