// SPDX-License-Identifier: GPL-2.0-only
/**
 * Counts pages against a limit, at every level up to the root (mm/page_counter.c). A charge is added
 * before it is compared with the limit: a large one that fails may for a moment make a small one fail.
 */
import type { Memory, Ptr } from "../../machine/memory.ts";
import { ptr, struct, word } from "../../machine/struct.ts";
import { EBUSY } from "../errno.ts";

export type PageCounterPtr = Ptr<"page_counter">;

export const PageCounter = struct("page_counter", {
  /** Atomic. */
  count: word,
  limit: word,
  /** The most that was ever charged, and how many charges have failed; both are racy. */
  watermark: word,
  failcnt: word,
  parent: ptr,
});

/** No limit. */
export const PAGE_COUNTER_MAX = 2 ** 31 - 1;

export class PageCounters {
  declare protected readonly memory: Memory;

  constructor(memory: Memory) {
    this.memory = memory;
  }

  /** page_counter_try_charge: n pages at every level, or none anywhere. */
  tryCharge(counter: PageCounterPtr, n: number): boolean {
    const { memory } = this;
    for (let c = counter; c !== 0; c = memory.read32(c + PageCounter.parent)) {
      // Full barrier between the count and the limit: a task that sets a limit reads the count after it.
      const count = memory.add(c + PageCounter.count, n) + n;
      if (count > memory.readOnce(c + PageCounter.limit)) {
        memory.add(c + PageCounter.count, -n);
        memory.writeOnce(c + PageCounter.failcnt, memory.readOnce(c + PageCounter.failcnt) + 1);
        this.uncharge(counter, n, c);
        return false;
      }
      if (count > memory.readOnce(c + PageCounter.watermark)) {
        memory.writeOnce(c + PageCounter.watermark, count);
      }
    }
    return true;
  }

  /** page_counter_charge: whatever the limit is. */
  charge(counter: PageCounterPtr, n: number): void {
    for (let c = counter; c !== 0; c = this.memory.read32(c + PageCounter.parent)) {
      this.memory.add(c + PageCounter.count, n);
    }
  }

  /** page_counter_uncharge, below the level `end`. */
  uncharge(counter: PageCounterPtr, n: number, end: PageCounterPtr = 0): void {
    for (let c = counter; c !== end; c = this.memory.read32(c + PageCounter.parent)) {
      this.memory.add(c + PageCounter.count, -n);
    }
  }

  /** page_counter_limit: 0, or -EBUSY where more is charged. */
  setLimit(counter: PageCounterPtr, limit: number): number {
    const { memory } = this;
    for (;;) {
      const count = memory.loadAcquire(counter + PageCounter.count);
      if (count > limit) return -EBUSY;
      // Full barrier, as in tryCharge: of a charge and a new limit one sees the other.
      const old = memory.xchg(counter + PageCounter.limit, limit);
      if (memory.loadAcquire(counter + PageCounter.count) <= count) return 0;
      memory.xchg(counter + PageCounter.limit, old);
    }
  }
}
