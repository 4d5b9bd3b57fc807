// SPDX-License-Identifier: GPL-2.0-only
/**
 * The owner of struct slub_percpu_sheaves. Its lock is a word of the CPU, taken with preemption off:
 * no other CPU ever looks at it. Only an interrupt that comes while the lock is held finds it held,
 * and must do without. A thread that is ended while it holds the lock leaves a CPU that nobody can
 * use any more.
 */
import type { Memory } from "../../machine/memory.ts";
import type { SlubContext } from "../slub-context.ts";
import { KmemCache, type KmemCachePtr } from "../structs.ts";
import { CpuSheaves, type CpuSheavesPtr, type SheafPtr } from "./structs.ts";

export class SheafLock {
  declare protected readonly context: SlubContext;
  declare protected readonly memory: Memory;

  constructor(parts: { readonly context: SlubContext }) {
    this.context = parts.context;
    this.memory = parts.context.memory;
  }

  /** local_trylock: what this CPU has of the cache, or 0. It stays this CPU until `unlock`. */
  trylock(s: KmemCachePtr): CpuSheavesPtr {
    const { memory } = this;
    memory.preemptDisable();
    const pcs = memory.thisCpuPtr(memory.read32(s + KmemCache.cpuSheaves));
    if (memory.readOnce(pcs + CpuSheaves.locked) !== 0) {
      memory.preemptEnable();
      return 0;
    }
    memory.beginChange();
    // An interrupt between the look and this store has taken and dropped the lock meanwhile.
    memory.writeOnce(pcs + CpuSheaves.locked, 1);
    memory.lockTaken(pcs + CpuSheaves.locked, "pcs->lock");
    return pcs;
  }

  /** local_lock: never asked for by an interrupt. */
  lock(s: KmemCachePtr): CpuSheavesPtr {
    const pcs = this.trylock(s);
    if (pcs === 0)
      this.context.panic("deadlock", "local_lock of sheaves in a context that holds it");
    return pcs;
  }

  unlock(pcs: CpuSheavesPtr): void {
    this.memory.lockRelease(pcs + CpuSheaves.locked);
    this.memory.writeOnce(pcs + CpuSheaves.locked, 0);
    this.memory.endChange();
    this.memory.preemptEnable();
  }

  /** Of another CPU: to look at, or to change where that CPU is absent. */
  ofCpu(s: KmemCachePtr, cpu: number): CpuSheavesPtr {
    return this.memory.perCpuPtr(this.memory.read32(s + KmemCache.cpuSheaves), cpu);
  }

  /** For an audit. */
  isHeld(pcs: CpuSheavesPtr): boolean {
    return this.memory.readOnce(pcs + CpuSheaves.locked) !== 0;
  }

  main(pcs: CpuSheavesPtr): SheafPtr {
    return this.memory.read32(pcs + CpuSheaves.main);
  }

  spare(pcs: CpuSheavesPtr): SheafPtr {
    return this.memory.readOnce(pcs + CpuSheaves.spare);
  }

  rcuFree(pcs: CpuSheavesPtr): SheafPtr {
    return this.memory.readOnce(pcs + CpuSheaves.rcuFree);
  }

  /** The main sheaf that a CPU begins with: of a cache that no CPU knows yet, or knows as without sheaves. */
  giveMain(pcs: CpuSheavesPtr, sheaf: SheafPtr): void {
    this.memory.storeRelease(pcs + CpuSheaves.main, sheaf);
  }

  setMain(pcs: CpuSheavesPtr, sheaf: SheafPtr): void {
    this.memory.writeOnce(pcs + CpuSheaves.main, sheaf);
  }

  setSpare(pcs: CpuSheavesPtr, sheaf: SheafPtr): void {
    this.memory.writeOnce(pcs + CpuSheaves.spare, sheaf);
  }

  setRcuFree(pcs: CpuSheavesPtr, sheaf: SheafPtr): void {
    this.memory.writeOnce(pcs + CpuSheaves.rcuFree, sheaf);
  }

  swapMainAndSpare(pcs: CpuSheavesPtr): void {
    const main = this.main(pcs);
    this.setMain(pcs, this.spare(pcs));
    this.setSpare(pcs, main);
  }
}
