// SPDX-License-Identifier: GPL-2.0-only
/**
 * An allocator's event counters over a whole run, summed per CPU. They are words of 32 bits that a long run
 * overflows, so they are read every few seconds and the differences are added up.
 */
import { type Kernel, systemOf } from "../src/kernel/kernel.ts";
import type { Address } from "../src/machine/memory.ts";

/** By the names of the allocator that runs. */
export type Statistics = Record<string, number>;

export class StatisticsTally {
  /** Events so far: of each CPU, in the order of `names`. */
  readonly perCpu: number[][] = [];
  private readonly names: readonly string[];
  /** The counters as they were last read, by cache and CPU: tuning moves them to new places. */
  private readonly before = new Map<string, number[]>();

  constructor(names: readonly string[]) {
    this.names = names;
  }

  /** Adds what caches have counted since this was last called for them. They are to last. */
  read(kernel: Kernel, caches: readonly Address[]): void {
    for (const cache of caches) {
      this.count(kernel, cache, (cpu, now) => {
        const key = `${cache} ${cpu}`;
        const before = this.before.get(key) ?? [];
        this.before.set(key, now);
        // Below 0 only where a run has ended in the middle of a tuning, and some are on their way.
        return now.map((count, item) => Math.max(0, (count - (before[item] ?? 0)) | 0));
      });
    }
  }

  /** Adds all that a short-lived cache has counted, before it is destroyed. */
  readLast(kernel: Kernel, cache: Address): void {
    this.count(kernel, cache, (_, now) => now.map((count) => count >>> 0));
  }

  private count(
    kernel: Kernel,
    cache: Address,
    eventsOf: (cpu: number, now: number[]) => number[],
  ): void {
    const { memory, machine, observer } = systemOf(kernel);
    for (let cpu = 0; cpu < machine.options.cpus; cpu++) {
      const counters = observer.statWords(cache, cpu);
      const now = this.names.map((_, item) => memory.readOnce(counters + item * 4));
      this.addTo(cpu, eventsOf(cpu, now));
    }
  }

  /** Begins anew at what the counters are now, as after boot. */
  reset(kernel: Kernel, caches: readonly Address[]): void {
    this.read(kernel, caches);
    this.perCpu.length = 0;
  }

  /** Adds sums that another task has kept. */
  add(perCpu: readonly (readonly number[])[]): void {
    perCpu.forEach((events, cpu) => {
      this.addTo(cpu, events);
    });
  }

  private addTo(cpu: number, events: readonly number[]): void {
    const sums = this.ofCpu(cpu);
    events.forEach((n, item) => {
      sums[item] = (sums[item] as number) + n;
    });
  }

  private ofCpu(cpu: number): number[] {
    this.perCpu[cpu] ??= this.names.map(() => 0);
    return this.perCpu[cpu];
  }

  /** The counters by their names: of one CPU, or of all. */
  named(cpu?: number): Statistics {
    const sums = cpu === undefined ? this.perCpu : [this.ofCpu(cpu)];
    const total = (item: number): number =>
      sums.reduce((sum, ofCpu) => sum + (ofCpu?.[item] ?? 0), 0);
    return Object.fromEntries(this.names.map((name, item) => [name, total(item)]));
  }
}
