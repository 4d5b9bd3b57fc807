// SPDX-License-Identifier: MIT
/**
 * Refuses accesses that are wrong in any interleaving: to page 0, outside of the memory, across the
 * boundary of a word, to memory that a program says nobody may touch now, or a plain write into the area of
 * another CPU while a context is in mid-operation there. Fills and copies may do the last: a new per-CPU
 * variable is zeroed for all CPUs at once.
 */
import { KernelBug } from "../machine/kernel-bug.ts";
import { type MachineLayout, PAGE_SIZE } from "../machine/machine.ts";
import type { Address } from "../machine/memory.ts";
import type { BusyCpus } from "./busy-cpus.ts";
import type { Context } from "./context.ts";
import { kindName, READ_RACY } from "./kinds.ts";

export class AccessCheck {
  private readonly byteLength: number;
  private readonly layout: MachineLayout;
  private readonly busyCpus: BusyCpus;
  private readonly nameOf: (address: Address) => string;
  private isClosed: (address: Address) => boolean = () => false;

  constructor(
    byteLength: number,
    layout: MachineLayout,
    busyCpus: BusyCpus,
    nameOf: (address: Address) => string,
  ) {
    this.byteLength = byteLength;
    this.layout = layout;
    this.busyCpus = busyCpus;
    this.nameOf = nameOf;
  }

  /** Refuses accesses to addresses that `isClosed` names, but for readRacy, which may look anywhere. */
  closeWhere(isClosed: (address: Address) => boolean): void {
    this.isClosed = isClosed;
  }

  isInMemory(address: Address): boolean {
    return address >= PAGE_SIZE && address < this.byteLength;
  }

  /** One byte, or all of an aligned word. */
  byte(context: Context, kind: number, address: Address): void {
    if (!this.isInMemory(address)) this.refuse(context, kind, address);
    if (this.isClosed(address) && kind !== READ_RACY) this.refuseClosed(context, kind, address);
  }

  /** Its first and its last byte stand for all. */
  range(context: Context, kind: number, address: Address, length: number): void {
    if (address < PAGE_SIZE || address + length > this.byteLength) {
      this.refuse(context, kind, address);
    }
    if (length === 0) return;
    if (this.isClosed(address)) this.refuseClosed(context, kind, address);
    if (this.isClosed(address + length - 1)) this.refuseClosed(context, kind, address + length - 1);
  }

  private refuseClosed({ name, operationName }: Context, kind: number, address: Address): never {
    throw new KernelBug(
      "use-after-free",
      `${kindName(kind)} at ${this.nameOf(address)}, which nobody has, by ${operationName} of ${name}`,
    );
  }

  /** An address within the memory can only be misaligned. */
  refuse({ name, operationName }: Context, kind: number, address: Address): never {
    const what = this.isInMemory(address) ? "misaligned" : "bad";
    throw new KernelBug(
      "bad-access",
      `${what} ${kindName(kind)} at 0x${(address >>> 0).toString(16)} by ${operationName} of ${name}`,
    );
  }

  /** A plain write of the running context. */
  area({ name, cpu, operationName }: Context, address: Address): void {
    const { percpuStart, percpuEnd, percpuStride } = this.layout;
    if (address < percpuStart || address >= percpuEnd) return;
    const owner = Math.floor((address - percpuStart) / percpuStride);
    if (owner === cpu || !this.busyCpus.isBusy(owner) || this.busyCpus.isAbsent(owner)) return;
    throw new KernelBug(
      "bad-access",
      `${operationName} of ${name} on CPU ${cpu} wrote into the area of CPU ${owner}: ` +
        this.nameOf(address),
    );
  }
}
