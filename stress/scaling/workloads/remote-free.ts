// SPDX-License-Identifier: GPL-2.0-only
/** Every object is freed by the neighbour of the CPU that allocated it: no free is a local one. */
import { BATCH } from "../exchange.ts";
import type { Handle } from "../subject.ts";
import type { PlayerContext, Workload } from "../workload.ts";

export const remoteFree: Workload = {
  name: "remote-free",
  about: "every CPU frees what its neighbour has allocated",
  origin: "C. Lameter's slab benchmark (remote free test)",
  module: import.meta.url,
  sizes: "single",
  crossing: true,
  leastCpus: 2,
  sides: 1,
  start<H extends Handle>({ subject, exchange, size, cpu, cpus }: PlayerContext<H>) {
    const to = (cpu + 1) % cpus;
    const from = (cpu + cpus - 1) % cpus;
    const batch: H[] = new Array(BATCH);
    const free = (count: number): void => {
      for (let i = 0; i < count; i++) subject.free(batch[i] as H);
    };
    return {
      run(operations: number): number {
        let freed = 0;
        while (freed < operations && !exchange.stopped) {
          if (exchange.hasMail(from)) {
            const count = exchange.receive(from, batch);
            free(count);
            freed += count;
          } else if (exchange.hasRoom(to)) {
            for (let i = 0; i < BATCH; i++) batch[i] = subject.alloc(size);
            exchange.send(to, batch);
          } else {
            exchange.waitForMail(from);
          }
        }
        return freed;
      },
      finish() {},
    };
  },
};
