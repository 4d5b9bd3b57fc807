// SPDX-License-Identifier: GPL-2.0-only
/**
 * The memory of the main thread of a run. A broken allocator may make it walk in circles, and no
 * other thread would notice. So it counts its own accesses and ends a piece of work that takes too
 * long.
 */
import { DirectMemory } from "../src/machine/direct-memory.ts";
import { KernelBug } from "../src/machine/kernel-bug.ts";
import type { Address } from "../src/machine/memory.ts";

/** Seconds on a core that a piece of work may take; the largest audit takes a few. */
const LIMIT_S = 20;
const ACCESSES_A_LOOK = 1 << 20;

function coreSeconds(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1e6;
}

export class BoundedMemory extends DirectMemory {
  private limit = Number.POSITIVE_INFINITY;
  private countdown = ACCESSES_A_LOOK;

  /** Begins a piece of work. */
  beginWork(seconds = LIMIT_S): void {
    this.limit = coreSeconds() + seconds;
  }

  /** Called before the fields are there, too. */
  private step(): void {
    if (!(--this.countdown <= 0)) return;
    this.countdown = ACCESSES_A_LOOK;
    if (coreSeconds() < this.limit) return;
    this.panic();
    throw new KernelBug("livelock", "the main thread, which audits the machine, made no progress");
  }

  // No loop of an allocator gets round without one of these.

  override read32(address: Address): number {
    this.step();
    return super.read32(address);
  }
  override readOnce(address: Address): number {
    this.step();
    return super.readOnce(address);
  }
  override loadAcquire(address: Address): number {
    this.step();
    return super.loadAcquire(address);
  }
  override cmpxchg(address: Address, expected: number, desired: number): number {
    this.step();
    return super.cmpxchg(address, expected, desired);
  }
  override thisCpuRead(offset: Address): number {
    this.step();
    return super.thisCpuRead(offset);
  }
}
