/**
 * An allocator's event counters over a whole run, summed per CPU. They are words of 32 bits that a long run
 * overflows, so they are read every few seconds and the differences are added up.
 */
import type { Kernel } from "../src/kernel/kernel.ts";
import type { Address } from "../src/machine/memory.ts";

/** By the names of whichever allocator runs. */
export type Statistics = Record<string, number>;

export class StatisticsTally {
  /** Events so far: of each CPU, in the order of `names`. */
  readonly perCpu: number[][] = [];
  private readonly names: readonly string[];
  /** What each counter was when it was last read, by its address. */
  private readonly before = new Map<Address, number>();

  constructor(names: readonly string[]) {
    this.names = names;
  }

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
    const { memory, machine, allocator } = kernel;
    for (let cpu = 0; cpu < machine.options.cpus; cpu++) {
      const counters = allocator.statWords(cache, cpu);
      const sums = this.ofCpu(cpu);
      for (let item = 0; item < this.names.length; item++) {
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
