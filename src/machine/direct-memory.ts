// SPDX-License-Identifier: MIT
/**
 * Memory as real threads use it: plain typed-array accesses, and atomics by one-instruction wasm
 * functions (wasmInstructions) or by the Atomics object (atomicsInstructions). Both are sequentially
 * consistent; the former is several times faster because V8 calls a builtin for the latter.
 *
 * The words behind a thisCpu call belong to the holder of the CPU's lease; leases change hands by
 * sequentially consistent atomics, which order all earlier writes.
 */

import type { AccessChecker } from "./access-checker.ts";
import { CheckedViews } from "./checked-views.ts";
import type { Leases } from "./leases.ts";
import type { LockClass } from "./lock-classes.ts";
import type { Address, Memory } from "./memory.ts";
import { now } from "./platform.ts";
import type { MachinePlaces } from "./running-context.ts";
import type { Tenancy } from "./tenancy.ts";
import { type ViewClass, Views } from "./views.ts";
import { WaitingTask } from "./waiting-task.ts";
import { xorshift32 } from "./xorshift.ts";

/** The atomic instructions, by byte address. */
export interface AtomicInstructions {
  load(address: Address): number;
  store(address: Address, value: number): void;
  cmpxchg(address: Address, expected: number, desired: number): number;
  cmpxchgDouble(
    address: Address,
    expectedLow: number,
    expectedHigh: number,
    desiredLow: number,
    desiredHigh: number,
  ): number;
  xchg(address: Address, value: number): number;
  add(address: Address, n: number): number;
}

export class DirectMemory extends WaitingTask implements Memory {
  declare readonly byteLength: number;
  declare readonly bytes: Uint8Array;
  declare protected readonly halves: Uint16Array;
  declare private readonly atomic: AtomicInstructions;
  declare private readonly areas: Address;
  declare private readonly stride: number;
  declare private randomState: number;
  declare private views: Views;

  constructor(options: {
    buffer: SharedArrayBuffer;
    atomic: AtomicInstructions;
    places: MachinePlaces;
    leases: Leases;
    tenancy: Tenancy;
    seed: number;
  }) {
    const { buffer, places, tenancy } = options;
    super(new Int32Array(buffer), places, options.leases, tenancy);
    this.byteLength = buffer.byteLength;
    this.views = new Views(buffer);
    this.bytes = new Uint8Array(buffer);
    this.halves = new Uint16Array(buffer);
    this.atomic = options.atomic;
    this.areas = places.percpuStart;
    this.stride = places.percpuStride;
    this.randomState = (options.seed ^ Math.imul(this.task + 1, 0x9e3779b1)) | 1;
  }

  read8(address: Address): number {
    return this.bytes[address] as number;
  }
  read16(address: Address): number {
    return this.halves[address >> 1] as number;
  }
  read32(address: Address): number {
    return this.words[address >> 2] as number;
  }
  write8(address: Address, value: number): void {
    this.bytes[address] = value;
  }
  write16(address: Address, value: number): void {
    this.halves[address >> 1] = value;
  }
  write32(address: Address, value: number): void {
    this.words[address >> 2] = value;
  }

  fill(address: Address, byte: number, length: number): void {
    this.bytes.fill(byte, address, address + length);
  }
  copy(to: Address, from: Address, length: number): void {
    this.bytes.copyWithin(to, from, from + length);
  }
  findOther(address: Address, byte: number, length: number): Address {
    const { bytes } = this;
    const end = address + length;
    // Whole words first: most of what is looked through is as it should be.
    let at = (address & 3) === 0 ? this.afterSame(address, byte, end) : address;
    for (; at < end; at++) if (bytes[at] !== byte) return at;
    return 0;
  }

  /** Where the words of that byte end that begin at `address`; eight are compared at once. */
  private afterSame(address: Address, byte: number, end: Address): Address {
    const { words } = this;
    const same = Math.imul(byte, 0x0101_0101);
    const last = end >> 2;
    let i = address >> 2;
    for (; i + 8 <= last; i += 8) {
      const other =
        ((words[i] as number) ^ same) |
        ((words[i + 1] as number) ^ same) |
        ((words[i + 2] as number) ^ same) |
        ((words[i + 3] as number) ^ same) |
        ((words[i + 4] as number) ^ same) |
        ((words[i + 5] as number) ^ same) |
        ((words[i + 6] as number) ^ same) |
        ((words[i + 7] as number) ^ same);
      if (other !== 0) break;
    }
    while (i < last && words[i] === same) i++;
    return i << 2;
  }

  readOnce(address: Address): number {
    return this.words[address >> 2] as number;
  }
  writeOnce(address: Address, value: number): void {
    this.words[address >> 2] = value;
  }
  readRacy(address: Address): number {
    // Outside of the array the read is undefined, which `| 0` makes a NULL that no one follows.
    return (this.words[address >> 2] as number) | 0;
  }

  loadAcquire(address: Address): number {
    return this.atomic.load(address);
  }
  storeRelease(address: Address, value: number): void {
    this.atomic.store(address, value);
  }

  cmpxchg(address: Address, expected: number, desired: number): number {
    return this.atomic.cmpxchg(address, expected, desired);
  }
  cmpxchgDouble(
    address: Address,
    expectedLow: number,
    expectedHigh: number,
    desiredLow: number,
    desiredHigh: number,
  ): boolean {
    return (
      this.atomic.cmpxchgDouble(address, expectedLow, expectedHigh, desiredLow, desiredHigh) !== 0
    );
  }
  xchg(address: Address, value: number): number {
    return this.atomic.xchg(address, value);
  }
  add(address: Address, n: number): number {
    return this.atomic.add(address, n);
  }

  thisCpuPtr(offset: Address): Address {
    return this.area + offset;
  }
  thisCpuRead(offset: Address): number {
    return this.words[(this.area + offset) >> 2] as number;
  }
  thisCpuAdd(offset: Address, n: number): void {
    (this.words[(this.area + offset) >> 2] as number) += n;
  }
  thisCpuCmpxchg(offset: Address, expected: number, desired: number): number {
    const at = (this.area + offset) >> 2;
    const found = this.words[at] as number;
    if (found === expected) this.words[at] = desired;
    return found;
  }
  thisCpuCmpxchgDouble(
    offset: Address,
    expectedLow: number,
    expectedHigh: number,
    desiredLow: number,
    desiredHigh: number,
  ): boolean {
    const { words } = this;
    const at = (this.area + offset) >> 2;
    if (words[at] !== expectedLow || words[at + 1] !== expectedHigh) return false;
    // High word (tid) first: a thread that is ended between the two has only spent a tid.
    words[at + 1] = desiredHigh;
    words[at] = desiredLow;
    return true;
  }
  perCpuPtr(offset: Address, cpu: number): Address {
    return this.areas + cpu * this.stride + offset;
  }
  count(address: Address, n: number): void {
    (this.words[address >> 2] as number) += n;
  }

  // Only checking memories look at locks. V8 inlines these to nothing.
  lockAcquire(_at: Address, _lockClass?: LockClass): void {}
  lockTaken(_at: Address, _lockClass?: LockClass): void {}
  lockRelease(_at: Address): void {}
  assertLockHeld(_at: Address): void {}
  lockdepOff(): void {}
  lockdepOn(): void {}

  getCycles(): number {
    return (now() * 1e6) | 0;
  }
  random(): number {
    this.randomState = xorshift32(this.randomState);
    return this.randomState;
  }

  // ---- views, for programs; the allocator itself never makes one ----

  /** From now on a checker is asked before each access through a view. */
  showBy(checker: AccessChecker): CheckedViews {
    const views = new CheckedViews(this.words.buffer as SharedArrayBuffer, checker);
    this.views = views;
    return views;
  }

  view<V>(of: ViewClass<V>, address: Address, bytes: number): V {
    return this.views.of(of, address, bytes);
  }
  view8(address: Address, bytes: number): Uint8Array<SharedArrayBuffer> {
    return this.views.of(Uint8Array<SharedArrayBuffer>, address, bytes);
  }
}
