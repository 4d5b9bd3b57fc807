/**
 * SLUB's 26 counters over a whole run, summed per CPU. They are words of 32 bits that a long run
 * overflows, so they are read every few seconds and the differences are added up.
 */
import type { Kernel } from "../src/kernel/kernel.ts";
import type { Address } from "../src/machine/memory.ts";
import { STAT_NAMES, type StatName } from "../src/slub/statistics.ts";
import { KmemCache, KmemCacheCpu } from "../src/slub/structs.ts";

export type Statistics = Record<StatName, number>;

export class StatisticsTally {
  /** Events so far: of each CPU, in the order of STAT_NAMES. */
  readonly perCpu: number[][] = [];
  /** What each counter was when it was last read, by its address. */
  private readonly before = new Map<Address, number>();

  /** Adds what caches have counted since this was last called for them. They are to last. */
  read(kernel: Kernel, caches: readonly Address[]): void {
    for (const cache of caches) {
      this.count(kernel, cache, (at, now) => {
        const before = this.before.get(at) ?? 0;
        this.before.set(at, now);
        return (now - before) >>> 0;
      });
    }
  }

  /** Adds all that a short-lived cache has counted, before it is destroyed. */
  readLast(kernel: Kernel, cache: Address): void {
    this.count(kernel, cache, (_, now) => now >>> 0);
  }

  private count(
    kernel: Kernel,
    cache: Address,
    eventsOf: (at: Address, now: number) => number,
  ): void {
    const { memory, machine } = kernel;
    const cpuSlab = memory.read32(cache + KmemCache.cpuSlab);
    for (let cpu = 0; cpu < machine.options.cpus; cpu++) {
      const counters = memory.perCpuPtr(cpuSlab, cpu) + KmemCacheCpu.stat;
      const sums = this.ofCpu(cpu);
      for (let item = 0; item < STAT_NAMES.length; item++) {
        const at = counters + item * 4;
        sums[item] = (sums[item] as number) + eventsOf(at, memory.readOnce(at));
      }
    }
  }

  /** Begins anew at what the counters are now, as after boot. */
  reset(kernel: Kernel, caches: readonly Address[]): void {
    this.read(kernel, caches);
    this.perCpu.length = 0;
  }

  /** Adds sums that another task has kept. */
  add(perCpu: readonly (readonly number[])[]): void {
    perCpu.forEach((sums, cpu) => {
      const mine = this.ofCpu(cpu);
      sums.forEach((n, item) => {
        mine[item] = (mine[item] as number) + n;
      });
    });
  }

  private ofCpu(cpu: number): number[] {
    this.perCpu[cpu] ??= STAT_NAMES.map(() => 0);
    return this.perCpu[cpu];
  }

  /** The counters by their sysfs names: of one CPU, or of all. */
  named(cpu?: number): Statistics {
    const sums = cpu === undefined ? this.perCpu : [this.ofCpu(cpu)];
    const total = (item: number): number =>
      sums.reduce((sum, ofCpu) => sum + (ofCpu?.[item] ?? 0), 0);
    return Object.fromEntries(STAT_NAMES.map((name, item) => [name, total(item)])) as Statistics;
  }
}
