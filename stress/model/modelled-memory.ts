// SPDX-License-Identifier: GPL-2.0-only
/** Direct memory whose accesses are counted: all tasks run in one thread, in turns. */
import { DirectMemory } from "../../src/machine/direct-memory.ts";
import type { MemoryClass } from "../../src/machine/machine.ts";
import type { Address } from "../../src/machine/memory.ts";

/** Hears of accesses. */
export interface Counter {
  read(cpu: number, address: Address): void;
  write(cpu: number, address: Address): void;
  /** A locked instruction, which owns the line whether it stores or not. */
  locked(cpu: number, address: Address): void;
  lockTaken(cpu: number, at: Address): void;
  lockReleased(cpu: number, at: Address): void;
}

const READS = ["read8", "read16", "read32", "readOnce", "readRacy"] as const;
const WRITES = ["write8", "write16", "write32", "writeOnce", "count"] as const;
const LOCKED = ["storeRelease", "cmpxchg", "cmpxchgDouble", "xchg", "add"] as const;
const OF_CPU = ["thisCpuAdd", "thisCpuCmpxchg", "thisCpuCmpxchgDouble"] as const;

const LINE = 64;

export function modelledMemory(counter: Counter): MemoryClass {
  class ModelledMemory extends DirectMemory {
    override loadAcquire(address: Address): number {
      counter.read(this.cpu, address);
      return super.loadAcquire(address);
    }

    override thisCpuRead(offset: Address): number {
      counter.read(this.cpu, this.area + offset);
      return super.thisCpuRead(offset);
    }

    override fill(address: Address, byte: number, length: number): void {
      for (let at = address; at < address + length; at += LINE) counter.write(this.cpu, at);
      super.fill(address, byte, length);
    }

    /** The clock would make two runs differ. */
    override getCycles(): number {
      return this.random();
    }

    override lockAcquire(at: Address): void {
      counter.lockTaken(this.cpu, at);
    }

    override lockTaken(at: Address): void {
      counter.lockTaken(this.cpu, at);
    }

    override lockRelease(at: Address): void {
      counter.lockReleased(this.cpu, at);
    }

    /** @internal */
    cpuNow(): number {
      return this.cpu;
    }

    /** @internal */
    areaNow(): Address {
      return this.area;
    }
  }

  type Access = (this: ModelledMemory, address: Address, ...more: number[]) => number;
  const count = (name: string, hear: (memory: ModelledMemory, address: Address) => void): void => {
    const access = DirectMemory.prototype[name as "read32"] as Access;
    Object.defineProperty(ModelledMemory.prototype, name, {
      value(this: ModelledMemory, address: Address, ...more: number[]): number {
        hear(this, address);
        return access.call(this, address, ...more);
      },
    });
  };
  for (const name of READS) count(name, (memory, at) => counter.read(memory.cpuNow(), at));
  for (const name of WRITES) count(name, (memory, at) => counter.write(memory.cpuNow(), at));
  for (const name of LOCKED) count(name, (memory, at) => counter.locked(memory.cpuNow(), at));
  for (const name of OF_CPU) {
    count(name, (memory, at) => counter.write(memory.cpuNow(), memory.areaNow() + at));
  }
  return ModelledMemory;
}
