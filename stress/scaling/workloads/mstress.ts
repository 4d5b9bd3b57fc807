// SPDX-License-Identifier: GPL-2.0-only
/**
 * Objects of many sizes and lifetimes: powers of two of a word, rarely a hundred times that; some
 * live long, some move to another CPU, and no two CPUs do equally much of either.
 */
import { BATCH } from "../exchange.ts";
import type { Handle } from "../subject.ts";
import type { PlayerContext, Workload } from "../workload.ts";

const WORD = 8;
/** Objects held at most, so that the long-lived ones do not pile up. */
const HELD = 2000;

export const mstress: Workload = {
  name: "mstress",
  about: "mixed sizes and lifetimes, objects move between CPUs",
  origin: "D. Leijen, mimalloc's test-stress (2019)",
  module: import.meta.url,
  sizes: "mixed",
  crossing: true,
  leastCpus: 1,
  sides: 1,
  start<H extends Handle>({ subject, exchange, random, cpu, cpus }: PlayerContext<H>) {
    const held: H[] = [];
    const leaving: H[] = [];
    const batch: H[] = new Array(BATCH);
    const to = (cpu + 1) % cpus;
    const from = (cpu + cpus - 1) % cpus;
    const wandering = 0.01 + 0.02 * (cpu % 3);

    const size = (): number => {
      const words = 1 << random.below(5);
      return random.chance(0.01) ? words * WORD * 100 : words * WORD;
    };
    const wander = (): void => {
      if (leaving.length === BATCH && exchange.hasRoom(to)) {
        exchange.send(to, leaving);
        leaving.length = 0;
      }
      if (exchange.hasMail(from)) {
        const count = exchange.receive(from, batch);
        for (let i = 0; i < count; i++) held.push(batch[i] as H);
      }
    };

    return {
      run(operations: number): number {
        let freed = 0;
        while (freed < operations) {
          held.push(subject.alloc(size()));
          if (leaving.length < BATCH && random.chance(wandering)) leaving.push(random.pluck(held));
          while (held.length > HELD || (held.length > 0 && random.chance(0.4))) {
            subject.free(random.pluck(held));
            freed++;
          }
          if (leaving.length === BATCH) wander();
        }
        wander();
        return freed;
      },
      finish() {
        for (const object of [...held, ...leaving]) subject.free(object);
      },
    };
  },
};
