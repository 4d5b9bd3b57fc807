// SPDX-License-Identifier: GPL-2.0-only
/**
 * Does the allocator put objects of two CPUs on one cache line? Each CPU writes to its own object
 * again and again; if the line is another's as well, every write is a fight.
 */
import type { Handle } from "../subject.ts";
import type { Player, PlayerContext, Workload } from "../workload.ts";

/** Passes over the object between its allocation and its end. */
const WRITES = 20;

const common = {
  origin: "E. Berger et al., Hoard, ASPLOS 2000",
  module: import.meta.url,
  sizes: "single",
  sides: 1,
} as const;

function live<H extends Handle>({ subject, size }: PlayerContext<H>, operations: number): number {
  for (let i = 0; i < operations; i++) {
    const object = subject.alloc(size);
    subject.touch(object, size, WRITES);
    subject.free(object);
  }
  return operations;
}

/** Active: the allocator itself hands out neighbours to different CPUs. */
export const cacheThrash: Workload = {
  ...common,
  name: "cache-thrash",
  about: `each CPU writes its object ${WRITES} times, then takes another`,
  crossing: false,
  leastCpus: 1,
  start<H extends Handle>(context: PlayerContext<H>) {
    return { run: (operations: number) => live(context, operations), finish() {} };
  },
};

/** Passive: neighbours were allocated by one CPU, and freed by those that go on using them. */
export const cacheScratch: Workload = {
  ...common,
  name: "cache-scratch",
  about: "the same, beginning with neighbours that CPU 0 has allocated",
  crossing: true,
  leastCpus: 2,
  start<H extends Handle>(context: PlayerContext<H>): Player {
    const { subject, exchange, cpu, cpus, size } = context;
    if (cpu === 0) {
      const neighbours = Array.from({ length: cpus }, () => subject.alloc(size));
      for (let to = 0; to < cpus; to++) exchange.send(to, [neighbours[to] as H]);
    }
    let hasBegun = false;
    const begin = (): void => {
      hasBegun = true;
      const batch: H[] = [];
      if (!exchange.hasMail(0)) exchange.waitForMail(0);
      if (exchange.hasMail(0)) {
        exchange.receive(0, batch);
        subject.free(batch[0] as H);
      }
    };
    return {
      run(operations) {
        if (!hasBegun) begin();
        return live(context, operations);
      },
      finish() {},
    };
  },
};
