// SPDX-License-Identifier: MIT
/**
 * The footprint of a step: what it read and wrote, and the CPUs that it concerned. Two steps of which
 * neither touches what the other changes are independent: done in either order they give the same state,
 * and neither lets the other happen or keeps it from happening.
 *
 * Contexts of one CPU always depend on each other, and so does a step that writes words which the machine
 * keeps for a CPU, or that CPU's area: interrupts, preemption, poll words, leases and CPUs that come and go
 * decide which context of the CPU can run. The words of a checker count as any others, since a check may
 * fail in one order alone.
 */
import { Cpu, sizeOfCpu } from "../machine/cpus.ts";
import type { MachineLayout } from "../machine/machine.ts";
import type { Address } from "../machine/memory.ts";
import type { Context } from "./context.ts";
import * as k from "./kinds.ts";
import type { Access, Observer } from "./observer.ts";
import type { Sharing } from "./sharing.ts";

export interface Footprint {
  /** One bit each. */
  readonly cpus: number;
  readonly reads: ReadonlySet<Address>;
  readonly writes: ReadonlySet<Address>;
}

export function areIndependent(one: Footprint, other: Footprint): boolean {
  if ((one.cpus & other.cpus) !== 0) return false;
  return isUnseen(one, other) && isUnseen(other, one);
}

/** What `one` writes means nothing to `other`. */
function isUnseen({ writes }: Footprint, other: Footprint): boolean {
  for (const word of writes) if (other.reads.has(word) || other.writes.has(word)) return false;
  return true;
}

/** The machine whose steps are recorded. */
interface Machine {
  readonly layout: MachineLayout;
  readonly sharing: Sharing;
  readonly cpus: number;
}

/** Records the step that is under way. */
export class FootprintRecorder implements Observer {
  private readonly layout: MachineLayout;
  private readonly sharing: Sharing;
  private readonly checks: boolean;
  private readonly leases: readonly Address[];
  private cpus = 0;
  private reads = new Set<Address>();
  private writes = new Set<Address>();
  private isChecking = false;

  /** `checks`: the end of an operation is followed by a check of the memory. */
  constructor({ layout, sharing, cpus }: Machine, checks: boolean) {
    this.layout = layout;
    this.sharing = sharing;
    this.checks = checks;
    this.leases = Array.from(
      { length: cpus },
      (_, cpu) => layout.cpuBase + cpu * sizeOfCpu + Cpu.lease,
    );
  }

  /** The footprint of the step that ends here; another step begins. */
  take(): Footprint {
    const { cpus, reads, writes } = this;
    this.reset();
    return { cpus, reads, writes };
  }

  reset(): void {
    this.cpus = 0;
    this.reads = new Set();
    this.writes = new Set();
    this.isChecking = false;
  }

  accessed(_context: Context, { kind, address, value, a, b }: Access): void {
    if (k.isWithoutWord(kind)) return;
    const writes = k.isWrite(kind) && !k.hasFailed(kind, value, a);
    if (kind === k.COPY) this.range(value, a, false);
    this.range(address, k.bytesOf(kind, a, b), writes);
  }

  /** A context that begins takes the lease of its CPU, and so does one that goes on after another. */
  switched(context: Context, before: Context | undefined): void {
    this.cpus |= 1 << context.cpu;
    if (context.running && before === context) return;
    this.writes.add(this.leases[context.cpu] as Address);
  }

  idle(_cpu: number, lease: Address): void {
    this.writes.add(lease);
  }

  /** The check that follows may look at the CPUs that are idle. */
  finished(): void {
    if (!this.checks) return;
    this.isChecking = true;
    for (const lease of this.leases) this.reads.add(lease);
  }

  checked(): void {
    this.isChecking = false;
  }

  looked(address: Address): void {
    if (this.isChecking) this.word(address & ~3, false);
  }

  blocked(address: Address): void {
    this.reads.add(address & ~3);
  }

  notified(address: Address): void {
    this.writes.add(address & ~3);
  }

  private range(address: Address, bytes: number, writes: boolean): void {
    for (let word = address & ~3; word < address + bytes; word += 4) this.word(word, writes);
  }

  /** Words that no two contexts use are left out: no step depends on them. */
  private word(word: Address, writes: boolean): void {
    const { layout, sharing } = this;
    if (word < layout.end && !sharing.isShared(word)) return;
    if (!writes) {
      this.reads.add(word);
      return;
    }
    this.writes.add(word);
    const { cpuBase, taskBase, percpuStart, percpuEnd, percpuStride } = layout;
    if (word >= cpuBase && word < taskBase) this.concerns((word - cpuBase) / sizeOfCpu);
    if (word >= percpuStart && word < percpuEnd) {
      this.concerns((word - percpuStart) / percpuStride);
    }
  }

  private concerns(cpu: number): void {
    this.cpus |= 1 << Math.floor(cpu);
  }
}
