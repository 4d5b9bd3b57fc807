// SPDX-License-Identifier: MIT
/**
 * Refuses accesses that are wrong in any interleaving: to page 0, outside of the memory, across the
 * boundary of a word, to memory that a program says nobody may touch now, or plain ones into the area
 * of another CPU. An operation that reads there, or writes while no context is in mid-operation there,
 * has asked for that CPU's area by number (perCpuPtr). A pointer that it got as its own is stale once
 * it has moved: what it finds there may be in the middle of a change. A marked read may find that, and
 * must look again. Fills and copies may write anywhere: a new per-CPU variable is zeroed for all CPUs
 * at once.
 */
import { KernelBug } from "../machine/kernel-bug.ts";
import { type MachineLayout, PAGE_SIZE } from "../machine/machine.ts";
import type { Address } from "../machine/memory.ts";
import type { BusyCpus } from "./busy-cpus.ts";
import type { Context } from "./context.ts";
import { kindName, READ_RACY, READ32 } from "./kinds.ts";

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
    if (kind === READ32 && this.isPerCpu(address)) this.readsArea(context, address);
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

  /** A plain read of the running context. */
  private readsArea(context: Context, address: Address): void {
    const owner = this.ownerOf(address);
    if (owner === context.cpu || hasNamed(context, owner)) return;
    this.refuseArea(context, "read in", address);
  }

  /** A plain write of the running context: refuses one that only the area's own CPU may do. */
  write(context: Context, address: Address): void {
    if (!this.isPerCpu(address)) return;
    const owner = this.ownerOf(address);
    if (owner === context.cpu) return;
    const { busyCpus } = this;
    const isAtRest = !busyCpus.isBusy(owner) || busyCpus.isAbsent(owner);
    if (isAtRest && hasNamed(context, owner)) return;
    this.refuseArea(context, "wrote into", address);
  }

  private isPerCpu(address: Address): boolean {
    return address >= this.layout.percpuStart && address < this.layout.percpuEnd;
  }

  /** The CPU whose area has the address. */
  private ownerOf(address: Address): number {
    const { percpuStart, percpuStride } = this.layout;
    return Math.floor((address - percpuStart) / percpuStride);
  }

  private refuseArea({ name, cpu, operationName }: Context, did: string, address: Address): never {
    throw new KernelBug(
      "bad-access",
      `${operationName} of ${name} on CPU ${cpu} ${did} the area of CPU ${this.ownerOf(address)}: ` +
        this.nameOf(address),
    );
  }
}

const hasNamed = ({ namedCpus }: Context, cpu: number): boolean => (namedCpus & (1 << cpu)) !== 0;
