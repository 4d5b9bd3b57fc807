// SPDX-License-Identifier: GPL-2.0-only
/**
 * A server's heap: a thousand slots, at random one object is replaced by a new one, and now and then
 * some objects go over to another thread, which frees them in its own time.
 */
import { BATCH } from "../exchange.ts";
import type { Handle } from "../subject.ts";
import type { PlayerContext, Workload } from "../workload.ts";

const SLOTS = 1000;
/** Power of two: choices made beforehand, so that chance costs nothing in the loop. */
const CHOICES = 8192;
/** So many replacements between two hand-overs. */
const STINT = 4096;

export const larson: Workload = {
  name: "larson",
  about: "random objects of 1,000 replaced; some move on to another CPU",
  origin: "P.-Å. Larson and M. Krishnan, ISMM 1998",
  module: import.meta.url,
  sizes: "single",
  crossing: true,
  leastCpus: 1,
  sides: 1,
  start<H extends Handle>({ subject, exchange, random, size, cpu, cpus }: PlayerContext<H>) {
    const slots: H[] = Array.from({ length: SLOTS }, () => subject.alloc(size));
    const choices = Array.from({ length: CHOICES }, () => random.below(SLOTS));
    const to = (cpu + 1) % cpus;
    const from = (cpu + cpus - 1) % cpus;
    const batch: H[] = new Array(BATCH);
    let choice = 0;
    let stint = 0;

    const takeOver = (): void => {
      const count = exchange.receive(from, batch);
      const start = random.below(SLOTS - BATCH);
      for (let i = 0; i < count; i++) {
        subject.free(slots[start + i] as H);
        slots[start + i] = batch[i] as H;
      }
    };
    const handOver = (): void => {
      const start = random.below(SLOTS - BATCH);
      for (let i = 0; i < BATCH; i++) batch[i] = slots[start + i] as H;
      exchange.send(to, batch);
      for (let i = 0; i < BATCH; i++) slots[start + i] = subject.alloc(size);
    };

    return {
      run(operations: number): number {
        for (let i = 0; i < operations; i++) {
          const slot = choices[choice] as number;
          choice = (choice + 1) & (CHOICES - 1);
          subject.free(slots[slot] as H);
          slots[slot] = subject.alloc(size);
        }
        stint += operations;
        if (stint >= STINT && cpus > 1) {
          stint = 0;
          if (exchange.hasMail(from)) takeOver();
          if (exchange.hasRoom(to)) handOver();
        }
        return operations;
      },
      finish() {
        for (const object of slots) subject.free(object);
      },
    };
  },
};
