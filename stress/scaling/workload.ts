// SPDX-License-Identifier: GPL-2.0-only
/**
 * The work of the CPUs of a point. A workload is started once a CPU and then runs in short
 * stretches: `run(n)` does about `n` operations and says how many it did. One operation is an
 * object's whole life, allocated and freed, so every figure is a cost per pair.
 */

import type { Random } from "../random.ts";
import type { Exchange } from "./exchange.ts";
import type { Handle, Subject } from "./subject.ts";

/** The surroundings of a player: its CPU, the allocator, random numbers, the exchange. */
export interface PlayerContext<H extends Handle = Handle> {
  readonly subject: Subject<H>;
  readonly exchange: Exchange<H>;
  readonly random: Random;
  readonly cpu: number;
  readonly cpus: number;
  /** Bytes an object; workloads of mixed sizes do not look. */
  readonly size: number;
}

export interface Player {
  /** Does about `operations` and returns how many it did; fewer where the point is over. */
  run(operations: number): number;
  /** Frees what is still held, when all have stopped. */
  finish(): void;
}

export interface Workload {
  readonly name: string;
  readonly about: string;
  /** The author and the benchmark that it follows. */
  readonly origin: string;
  /** Where it is written: `import.meta.url` there. */
  readonly module: string;
  /** Objects of one size, or of many. */
  readonly sizes: "single" | "mixed";
  /** Objects are freed by another CPU than the one that allocated them. */
  readonly crossing: boolean;
  /** At least so many CPUs. */
  readonly leastCpus: number;
  /** How many CPUs count the same operation: 2 where one allocates and another frees. */
  readonly sides: 1 | 2;
  start<H extends Handle>(context: PlayerContext<H>): Player;
}
