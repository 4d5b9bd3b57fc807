// SPDX-License-Identifier: GPL-2.0-only
/** Some CPUs only allocate, others only free, and objects stream from the former to the latter. */
import type { Random } from "../../random.ts";
import { BATCH, type Exchange } from "../exchange.ts";
import type { Handle, Subject } from "../subject.ts";
import type { Player, PlayerContext, Workload } from "../workload.ts";

const XMALLOC_SIZES = [8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256];

interface Side<H extends Handle> {
  readonly subject: Subject<H>;
  readonly exchange: Exchange<H>;
}

function producer<H extends Handle>(
  { subject, exchange }: Side<H>,
  consumers: readonly number[],
  sizes: readonly number[],
): Player {
  const batch: H[] = new Array(BATCH);
  let turn = 0;
  let size = 0;
  return {
    run(operations) {
      let sent = 0;
      while (sent < operations && !exchange.stopped) {
        const to = consumers[turn++ % consumers.length] as number;
        if (!exchange.hasRoom(to)) exchange.waitForRoom(to);
        if (exchange.stopped) break;
        for (let i = 0; i < BATCH; i++) {
          batch[i] = subject.alloc(sizes[size] as number);
          size = size + 1 === sizes.length ? 0 : size + 1;
        }
        exchange.send(to, batch);
        sent += BATCH;
      }
      return sent;
    },
    finish() {},
  };
}

function consumer<H extends Handle>({ subject, exchange }: Side<H>, from: number): Player {
  const batch: H[] = new Array(BATCH);
  return {
    run(operations) {
      let freed = 0;
      while (freed < operations && !exchange.stopped) {
        if (!exchange.hasMail(from)) exchange.waitForMail(from);
        if (exchange.stopped) break;
        const count = exchange.receive(from, batch);
        for (let i = 0; i < count; i++) subject.free(batch[i] as H);
        freed += count;
      }
      return freed;
    },
    finish() {},
  };
}

export const oneAllocates: Workload = {
  name: "one-allocates",
  about: "CPU 0 allocates, all the others free",
  origin: "C. Lameter's slab benchmark (1 alloc N free test)",
  module: import.meta.url,
  sizes: "single",
  crossing: true,
  leastCpus: 2,
  sides: 2,
  start<H extends Handle>(context: PlayerContext<H>) {
    const { cpu, cpus, size } = context;
    if (cpu > 0) return consumer(context, 0);
    const others = Array.from({ length: cpus - 1 }, (_, i) => i + 1);
    return producer(context, others, [size]);
  },
};

export const xmallocTest: Workload = {
  name: "xmalloc-test",
  about: "half of the CPUs allocate, the other half free; 8 to 256 bytes",
  origin: "C. Lever and D. Boreham, USENIX 2000; sizes as in mimalloc-bench",
  module: import.meta.url,
  sizes: "mixed",
  crossing: true,
  leastCpus: 2,
  sides: 2,
  start<H extends Handle>(context: PlayerContext<H>) {
    const { cpu, cpus, random } = context;
    const pairs = Math.floor(cpus / 2);
    if (cpu >= 2 * pairs) return loner(context);
    if (cpu >= pairs) return consumer(context, cpu - pairs);
    return producer(context, [cpu + pairs], shuffledSizes(random));
  },
};

/** An odd CPU has no partner. */
function loner<H extends Handle>({ subject }: PlayerContext<H>): Player {
  return {
    run(operations) {
      for (let i = 0; i < operations; i++) subject.free(subject.alloc(64));
      return operations;
    },
    finish() {},
  };
}

function shuffledSizes(random: Random): number[] {
  return Array.from({ length: 256 }, () => XMALLOC_SIZES[random.below(XMALLOC_SIZES.length)] ?? 8);
}
