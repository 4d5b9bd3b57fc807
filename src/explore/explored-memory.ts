/**
 * Memory that a deterministic scheduler can stop at any access. Outside of exploration (boot, set-up,
 * checks) accesses pass straight through; under exploration each is a step of the running context:
 * answered from its log where it has been before, else a point, the access itself, and an entry.
 *
 * It also refuses what a wrong allocator would do: an access to page 0, outside of the memory or
 * misaligned, and a plain write into the area of a CPU on which somebody else is in mid-operation.
 * Fills and copies are free to do that: what is new per CPU is zeroed for all of them at once.
 */
import { KernelBug } from "../machine/kernel-bug.ts";
import { PAGE_SIZE } from "../machine/machine.ts";
import type { Address, Memory } from "../machine/memory.ts";
import { ExploredCpu } from "./explored-cpu.ts";
import * as k from "./kinds.ts";

export class ExploredMemory extends ExploredCpu implements Memory {
  private arriveRange(kind: number, address: Address, length: number): void {
    if (!this.exploring) return;
    if (this.isUnwinding) this.suspend();
    this.checkRange(kind, address, length);
    if (address >= this.checkerStart) return;
    this.point(kind, address, this.sharing.touchRange(address, length, this.context.id));
  }

  /** Two ranges at once: a point if either is shared. */
  private arriveCopy(to: Address, from: Address, length: number): void {
    if (!this.exploring) return;
    if (this.isUnwinding) this.suspend();
    this.checkRange(k.COPY, from, length);
    this.checkRange(k.COPY, to, length);
    const reads = this.sharing.touchRange(from, length, this.context.id);
    const writes = this.sharing.touchRange(to, length, this.context.id);
    this.point(k.COPY, to, reads || writes);
  }

  private checkRange(kind: number, address: Address, length: number): void {
    if (address < PAGE_SIZE || address + length > this.byteLength) this.badAccess(kind, address);
  }

  /** Two words that are swapped as one; the hardware wants them 8-aligned. */
  private arrivePair(kind: number, address: Address): void {
    if ((address & 7) !== 0 && this.exploring && !this.isUnwinding) this.badAccess(kind, address);
    this.arriveRange(kind, address, 8);
  }

  /** An access in this CPU's area: where the context may be moved, that alone makes it a point. */
  private arriveHere(kind: number, address: Address, bytes: number): void {
    if (!this.exploring) return;
    if (this.isUnwinding) this.suspend();
    const shared = this.sharing.touchRange(address, bytes, this.context.id);
    this.point(kind, address, shared || this.canMigrate());
  }

  private checkArea(address: Address): void {
    if (!this.exploring) return;
    const { percpuStart, percpuEnd, percpuStride } = this.layout;
    if (address < percpuStart || address >= percpuEnd) return;
    const owner = Math.floor((address - percpuStart) / percpuStride);
    if (owner === this.context.cpu || this.busy[owner] === 0) return;
    const { name, cpu, operationName } = this.context;
    throw new KernelBug(
      "bad-access",
      `${operationName} of ${name} on CPU ${cpu} wrote into the area of CPU ${owner}: ` +
        this.nameOf(address),
    );
  }

  // ---- plain ----

  private read(kind: number, address: Address): number {
    this.arrive(kind, address);
    const { backing } = this;
    if (kind === k.READ8) return this.done(kind, address, backing.read8(address));
    return this.done(kind, address, backing.read16(address));
  }

  read8(address: Address): number {
    if (this.position < this.logged) return this.recall(k.READ8, address);
    return this.read(k.READ8, address);
  }
  read16(address: Address): number {
    if (this.position < this.logged) return this.recall(k.READ16, address);
    return this.read(k.READ16, address);
  }
  read32(address: Address): number {
    if (this.position < this.logged) return this.recall(k.READ32, address);
    this.arriveAligned(k.READ32, address);
    return this.done(k.READ32, address, this.backing.read32(address));
  }

  /** Writes the `mask` bits, which begin at `address`, of its word. */
  private writePart(kind: number, address: Address, value: number, mask: number): void {
    if (this.position < this.logged) {
      this.recallWrite(kind, address, value);
      return;
    }
    this.arrive(kind, address);
    this.checkArea(address);
    const word = address & ~3;
    const shift = (address & 3) * 8;
    const rest = this.backing.read32(word) & ~(mask << shift);
    this.store(word, rest | ((value & mask) << shift));
    this.done(kind, address, value);
  }

  write8(address: Address, value: number): void {
    this.writePart(k.WRITE8, address, value, 0xff);
  }
  write16(address: Address, value: number): void {
    this.writePart(k.WRITE16, address, value, 0xffff);
  }
  write32(address: Address, value: number): void {
    if (this.position < this.logged) {
      this.recallWrite(k.WRITE32, address, value);
      return;
    }
    this.arriveAligned(k.WRITE32, address);
    this.checkArea(address);
    this.store(address, value | 0);
    this.done(k.WRITE32, address, value);
  }

  fill(address: Address, byte: number, length: number): void {
    if (this.position < this.logged) {
      this.recallWrite(k.FILL, address, byte);
      return;
    }
    this.arriveRange(k.FILL, address, length);
    this.changeBytes(address, length, () => byte);
    this.done(k.FILL, address, byte, length);
  }

  copy(to: Address, from: Address, length: number): void {
    if (this.position < this.logged) {
      this.recallWrite(k.COPY, to, from);
      return;
    }
    this.arriveCopy(to, from, length);
    const bytes = Array.from({ length }, (_, i) => this.backing.read8(from + i));
    this.changeBytes(to, length, (i) => bytes[i] as number);
    this.done(k.COPY, to, from, length);
  }

  /** Word by word, so that the journal can take it back. */
  private changeBytes(address: Address, length: number, byteAt: (index: number) => number): void {
    const end = address + length;
    for (let word = address & ~3; word < end; word += 4) {
      let value = this.backing.read32(word);
      for (let at = Math.max(word, address); at < Math.min(word + 4, end); at++) {
        const shift = (at & 3) * 8;
        value = (value & ~(0xff << shift)) | ((byteAt(at - address) & 0xff) << shift);
      }
      this.store(word, value);
    }
  }

  findOther(address: Address, byte: number, length: number): Address {
    if (this.position < this.logged) return this.recall(k.FIND_OTHER, address);
    this.arriveRange(k.FIND_OTHER, address, length);
    const found = this.backing.findOther(address, byte, length);
    return this.done(k.FIND_OTHER, address, found, byte, length);
  }

  // ---- marked and ordered ----

  readOnce(address: Address): number {
    if (this.position < this.logged) return this.recall(k.READ_ONCE, address);
    this.arriveAligned(k.READ_ONCE, address);
    return this.done(k.READ_ONCE, address, this.backing.read32(address));
  }

  private markedWrite(kind: number, address: Address, value: number): void {
    if (this.position < this.logged) {
      this.recallWrite(kind, address, value);
      return;
    }
    this.arriveAligned(kind, address);
    if (kind === k.WRITE_ONCE) this.checkArea(address);
    this.store(address, value | 0);
    this.done(kind, address, value);
  }

  writeOnce(address: Address, value: number): void {
    this.markedWrite(k.WRITE_ONCE, address, value);
  }
  storeRelease(address: Address, value: number): void {
    this.markedWrite(k.STORE_RELEASE, address, value);
  }

  readRacy(address: Address): number {
    if (this.position < this.logged) return this.recall(k.READ_RACY, address);
    if (address >= PAGE_SIZE && address < this.byteLength) this.arrive(k.READ_RACY, address);
    else if (this.exploring) this.arriveBare(k.READ_RACY, false);
    return this.done(k.READ_RACY, address, this.backing.readRacy(address));
  }

  loadAcquire(address: Address): number {
    if (this.position < this.logged) return this.recall(k.LOAD_ACQUIRE, address);
    this.arriveAligned(k.LOAD_ACQUIRE, address);
    return this.done(k.LOAD_ACQUIRE, address, this.backing.read32(address));
  }

  // ---- atomic ----

  cmpxchg(address: Address, expected: number, desired: number): number {
    if (this.position < this.logged) return this.recall(k.CMPXCHG, address);
    this.arriveAligned(k.CMPXCHG, address);
    const found = this.backing.read32(address);
    if (found === expected) this.store(address, desired | 0);
    return this.done(k.CMPXCHG, address, found, expected, desired);
  }

  cmpxchgDouble(
    address: Address,
    expectedLow: number,
    expectedHigh: number,
    desiredLow: number,
    desiredHigh: number,
  ): boolean {
    if (this.position < this.logged) return this.recall(k.CMPXCHG_DOUBLE, address) !== 0;
    this.arrivePair(k.CMPXCHG_DOUBLE, address);
    const stored = this.swapBoth(address, expectedLow, expectedHigh, desiredLow, desiredHigh);
    this.done(k.CMPXCHG_DOUBLE, address, stored ? 1 : 0, desiredLow, desiredHigh);
    return stored;
  }

  private swapBoth(
    address: Address,
    expectedLow: number,
    expectedHigh: number,
    desiredLow: number,
    desiredHigh: number,
  ): boolean {
    const { backing } = this;
    if (backing.read32(address) !== expectedLow) return false;
    if (backing.read32(address + 4) !== expectedHigh) return false;
    this.store(address, desiredLow | 0);
    this.store(address + 4, desiredHigh | 0);
    return true;
  }

  xchg(address: Address, value: number): number {
    if (this.position < this.logged) return this.recall(k.XCHG, address);
    this.arriveAligned(k.XCHG, address);
    const found = this.backing.read32(address);
    this.store(address, value | 0);
    return this.done(k.XCHG, address, found, value);
  }

  add(address: Address, n: number): number {
    if (this.position < this.logged) return this.recall(k.ADD, address);
    this.arriveAligned(k.ADD, address);
    const found = this.backing.read32(address);
    this.store(address, (found + n) | 0);
    return this.done(k.ADD, address, found, (found + n) | 0);
  }

  // ---- this CPU: logged by offset, since the same operation may find itself elsewhere ----

  thisCpuPtr(offset: Address): Address {
    if (this.position < this.logged) return this.recall(k.CPU_PTR, offset);
    if (this.exploring) this.arriveBare(k.CPU_PTR, this.canMigrate());
    return this.doneHere(k.CPU_PTR, offset, this.area + offset, 0, 0);
  }

  private doneHere(kind: number, offset: Address, value: number, a: number, b: number): number {
    this.keep(kind, offset, value);
    this.observed(kind, this.area + offset, value, a, b);
    return value;
  }

  thisCpuRead(offset: Address): number {
    if (this.position < this.logged) return this.recall(k.CPU_READ, offset);
    this.arriveHere(k.CPU_READ, this.area + offset, 4);
    return this.doneHere(k.CPU_READ, offset, this.backing.read32(this.area + offset), 0, 0);
  }

  thisCpuCmpxchg(offset: Address, expected: number, desired: number): number {
    if (this.position < this.logged) return this.recall(k.CPU_CMPXCHG, offset);
    const address = this.area + offset;
    this.arriveHere(k.CPU_CMPXCHG, address, 4);
    const found = this.backing.read32(address);
    if (found === expected) this.store(address, desired | 0);
    return this.doneHere(k.CPU_CMPXCHG, offset, found, expected, desired);
  }

  thisCpuCmpxchgDouble(
    offset: Address,
    expectedLow: number,
    expectedHigh: number,
    desiredLow: number,
    desiredHigh: number,
  ): boolean {
    if (this.position < this.logged) return this.recall(k.CPU_CMPXCHG_DOUBLE, offset) !== 0;
    const address = this.area + offset;
    this.arriveHere(k.CPU_CMPXCHG_DOUBLE, address, 8);
    const stored = this.swapBoth(address, expectedLow, expectedHigh, desiredLow, desiredHigh);
    this.doneHere(k.CPU_CMPXCHG_DOUBLE, offset, stored ? 1 : 0, desiredLow, desiredHigh);
    return stored;
  }

  perCpuPtr(offset: Address, cpu: number): Address {
    return this.layout.percpuStart + cpu * this.layout.percpuStride + offset;
  }

  // ---- statistics: no points, and no part of the state ----

  thisCpuAdd(offset: Address, n: number): void {
    this.bump(k.CPU_ADD, offset, this.area + offset, n);
  }
  count(address: Address, n: number): void {
    this.bump(k.COUNT, address, address, n);
  }

  private bump(kind: number, key: Address, address: Address, n: number): void {
    if (this.position < this.logged) {
      this.recallWrite(kind, key, n);
      return;
    }
    if (this.isUnwinding) this.suspend();
    this.journal.changeStatistic(address, this.backing.read32(address) + n);
    this.keep(kind, key, n);
  }
}
