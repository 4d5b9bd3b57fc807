// SPDX-License-Identifier: GPL-2.0-only
/** What KFENCE counts, and how /sys/kernel/debug/kfence/stats shows it. */
import type { Machine } from "../../machine/machine.ts";
import type { Address, Memory } from "../../machine/memory.ts";

/** In the kernel's order and words. */
export const KFENCE_COUNTERS = [
  "currently allocated",
  "total allocations",
  "total frees",
  "zombie allocations",
  "total bugs",
  "skipped allocations (incompatible)",
  "skipped allocations (capacity)",
  "skipped allocations (covered)",
] as const;
export type KfenceCounter = (typeof KFENCE_COUNTERS)[number];

export class KfenceCounters {
  declare private readonly memory: Memory;
  declare private readonly at: Address;

  constructor(machine: Machine) {
    this.memory = machine.memory;
    this.at = machine.statics.words(KFENCE_COUNTERS.length, "kfence_counters");
  }

  private place(counter: KfenceCounter): Address {
    return this.at + KFENCE_COUNTERS.indexOf(counter) * 4;
  }

  add(counter: KfenceCounter, n: 1 | -1 = 1): void {
    // Atomic: all CPUs count in one word.
    this.memory.add(this.place(counter), n);
  }

  get(counter: KfenceCounter): number {
    return this.memory.readOnce(this.place(counter));
  }

  /** stats_show */
  text(isEnabled: boolean): string {
    const lines = KFENCE_COUNTERS.map((counter) => `${counter}: ${this.get(counter)}\n`);
    return [`enabled: ${isEnabled ? 1 : 0}\n`, ...lines].join("");
  }
}
