// SPDX-License-Identifier: GPL-2.0-only
/**
 * Blocks of uneven sizes, most of them small, freed partly last-in first-out and partly the other
 * way round; in the second form some are freed by another CPU.
 */
import { BATCH } from "../exchange.ts";
import type { Handle } from "../subject.ts";
import type { Player, PlayerContext, Workload } from "../workload.ts";

const BLOCKS = 500;
/** Sizes are chosen beforehand, so that chance costs nothing in the loop. */
const SIZES = 4096;

function start<H extends Handle>(context: PlayerContext<H>, crossing: boolean): Player {
  const { subject, exchange, random, cpu, cpus } = context;
  const sizes = Array.from({ length: SIZES }, () => random.pareto(8, 1000, 1));
  const blocks: H[] = new Array(BLOCKS);
  const batch: H[] = new Array(BATCH);
  const to = (cpu + 1) % cpus;
  const from = (cpu + cpus - 1) % cpus;
  let next = 0;

  /** The last BATCH blocks go to the next CPU, which frees them. Returns how many are left. */
  const pass = (): number => {
    if (exchange.hasMail(from)) {
      const count = exchange.receive(from, batch);
      for (let i = 0; i < count; i++) subject.free(batch[i] as H);
    }
    if (!exchange.hasRoom(to)) return BLOCKS;
    for (let i = 0; i < BATCH; i++) batch[i] = blocks[BLOCKS - BATCH + i] as H;
    exchange.send(to, batch);
    return BLOCKS - BATCH;
  };
  const freeRound = (count: number): void => {
    const half = count >> 1;
    for (let i = half - 1; i >= 0; i--) subject.free(blocks[i] as H);
    for (let i = half; i < count; i++) subject.free(blocks[i] as H);
  };

  return {
    run(operations) {
      const rounds = Math.max(1, Math.round(operations / BLOCKS));
      for (let round = 0; round < rounds; round++) {
        for (let i = 0; i < BLOCKS; i++) {
          blocks[i] = subject.alloc(sizes[next] as number);
          next = (next + 1) & (SIZES - 1);
        }
        freeRound(crossing ? pass() : BLOCKS);
      }
      return rounds * BLOCKS;
    },
    finish() {},
  };
}

const common = {
  origin: "MicroQuill, SmartHeap's benchmarks",
  module: import.meta.url,
  sizes: "mixed",
  sides: 1,
} as const;

export const sh6bench: Workload = {
  ...common,
  name: "sh6bench",
  about: "uneven sizes; half freed last-in first-out, half the other way",
  crossing: false,
  leastCpus: 1,
  start: (context) => start(context, false),
};

export const sh8bench: Workload = {
  ...common,
  name: "sh8bench",
  about: "the same, and some are freed by another CPU",
  crossing: true,
  leastCpus: 2,
  start: (context) => start(context, true),
};
