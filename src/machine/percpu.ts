// SPDX-License-Identifier: MIT
/**
 * DEFINE_PER_CPU and alloc_percpu: the same offset in the area of every CPU. Areas are separate
 * blocks, so what two CPUs own never shares a cache line. Room is counted in units of 64 bytes, one
 * word a unit: how many units the block that starts there has; 0: free or inside a block.
 *
 * What every thread defines while it builds its objects comes first in the area; the rest is given
 * out first fit, under a mutex; callers may sleep. Offsets below 64 are never used (0 is NULL).
 */
import type { Address, Memory } from "./memory.ts";
import { Mutex, mutexLock, mutexUnlock } from "./mutex.ts";
import type { Statics } from "./statics.ts";

export const PERCPU_UNIT = 64;

export class PercpuAllocator {
  declare private readonly memory: Memory;
  declare private readonly cpus: number;
  declare private readonly units: number;
  declare private readonly mutex: Address;
  declare private readonly blocks: Address;
  /** First unit that is not defined statically; fixed before anything is allocated. */
  private firstUnit = 1;

  /** `stride`: bytes of each CPU's area. */
  constructor(memory: Memory, statics: Statics, cpus: number, stride: number) {
    this.memory = memory;
    this.cpus = cpus;
    this.units = stride / PERCPU_UNIT;
    this.mutex = statics.allocate(Mutex, "pcpu_alloc_mutex");
    this.blocks = statics.words(this.units, "pcpu_blocks");
  }

  /**
   * DEFINE_PER_CPU: room that lasts as long as the machine, zero at boot. Asked for while objects are
   * built, by each thread in the same order, so that each gets the same offset.
   */
  define(bytes: number): Address {
    const offset = this.firstUnit * PERCPU_UNIT;
    const after = this.firstUnit + Math.ceil(bytes / PERCPU_UNIT);
    if (after > this.units) throw new RangeError(`no per-CPU room left for ${bytes} static bytes`);
    this.firstUnit = after;
    return offset;
  }

  /** `bytes` zeroed bytes in each CPU's area: their offset, or 0 where there is no room. */
  alloc(bytes: number): Address {
    const { memory } = this;
    const wanted = Math.ceil(bytes / PERCPU_UNIT);
    mutexLock(memory, this.mutex);
    let found = 0;
    for (let start = this.firstUnit, unit = start; unit < this.units; ) {
      const taken = memory.read32(this.blocks + unit * 4);
      if (taken !== 0) {
        unit += taken;
        start = unit;
      } else if (++unit - start === wanted) {
        found = start;
        break;
      }
    }
    if (found !== 0) memory.write32(this.blocks + found * 4, wanted);
    mutexUnlock(memory, this.mutex);
    if (found === 0) return 0;
    const offset = found * PERCPU_UNIT;
    for (let cpu = 0; cpu < this.cpus; cpu++) {
      memory.fill(memory.perCpuPtr(offset, cpu), 0, wanted * PERCPU_UNIT);
    }
    return offset;
  }

  free(offset: Address): void {
    if (offset === 0) return;
    mutexLock(this.memory, this.mutex);
    this.memory.write32(this.blocks + (offset / PERCPU_UNIT) * 4, 0);
    mutexUnlock(this.memory, this.mutex);
  }
}
