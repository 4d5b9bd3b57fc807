// SPDX-License-Identifier: MIT
/**
 * Refuses accesses that are wrong in any interleaving: to page 0, outside of the memory, across the
 * boundary of a word, or a plain write into the area of another CPU while a context is in
 * mid-operation there. Fills and copies may do the last: a new per-CPU variable is zeroed for all
 * CPUs at once.
 */
import { KernelBug } from "../machine/kernel-bug.ts";
import { type MachineLayout, PAGE_SIZE } from "../machine/machine.ts";
import type { Address } from "../machine/memory.ts";
import type { BusyCpus } from "./busy-cpus.ts";
import type { Context } from "./context.ts";
import { kindName } from "./kinds.ts";

export class AccessCheck {
  private readonly byteLength: number;
  private readonly layout: MachineLayout;
  private readonly busyCpus: BusyCpus;
  private readonly nameOf: (address: Address) => string;

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

  isInMemory(address: Address): boolean {
    return address >= PAGE_SIZE && address < this.byteLength;
  }

  /** One byte, or all of an aligned word. */
  byte(context: Context, kind: number, address: Address): void {
    if (!this.isInMemory(address)) this.refuse(context, kind, address);
  }

  range(context: Context, kind: number, address: Address, length: number): void {
    if (address < PAGE_SIZE || address + length > this.byteLength) {
      this.refuse(context, kind, address);
    }
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
