// SPDX-License-Identifier: MIT
/** Accesses of an explored memory to words and ranges, whose words all CPUs see: plain, marked, atomic. */
import type { Address } from "../machine/memory.ts";
import { ExploredParts, PLAIN, RELEASE } from "./explored-parts.ts";
import * as k from "./kinds.ts";

/** Words as a section sees them that is one step: reads and writes are no steps of their own. */
export interface Words {
  read(address: Address): number;
  write(address: Address, value: number): void;
}

export class ExploredWords extends ExploredParts {
  // ---- plain ----

  private read(kind: number, address: Address): number {
    this.stops.beforePart(kind, address);
    const { backing } = this;
    if (kind === k.READ8) return this.done(kind, address, backing.read8(address));
    return this.done(kind, address, backing.read16(address));
  }

  read8(address: Address): number {
    if (this.log.isRecalling) return this.log.recall(k.READ8, address);
    return this.read(k.READ8, address);
  }
  read16(address: Address): number {
    if (this.log.isRecalling) return this.log.recall(k.READ16, address);
    return this.read(k.READ16, address);
  }
  read32(address: Address): number {
    if (this.log.isRecalling) return this.log.recall(k.READ32, address);
    this.stops.beforeWord(k.READ32, address);
    return this.done(k.READ32, address, this.backing.read32(address));
  }

  /** Writes the `mask` bits, which begin at `address`, of its word. */
  private writePart(kind: number, address: Address, value: number, mask: number): void {
    if (this.log.isRecalling) {
      this.log.recallWrite(kind, address, value);
      return;
    }
    this.stops.beforePart(kind, address);
    this.checkArea(address);
    const shift = (address & 3) * 8;
    this.storeLate(address & ~3, (value & mask) << shift, { mask: mask << shift });
    this.done(kind, address, value);
  }

  write8(address: Address, value: number): void {
    this.writePart(k.WRITE8, address, value, 0xff);
  }
  write16(address: Address, value: number): void {
    this.writePart(k.WRITE16, address, value, 0xffff);
  }
  write32(address: Address, value: number): void {
    if (this.log.isRecalling) {
      this.log.recallWrite(k.WRITE32, address, value);
      return;
    }
    this.stops.beforeWord(k.WRITE32, address);
    this.checkArea(address);
    this.storeLate(address, value | 0, PLAIN);
    this.done(k.WRITE32, address, value);
  }

  fill(address: Address, byte: number, length: number): void {
    if (this.log.isRecalling) {
      this.log.recallWrite(k.FILL, address, byte);
      return;
    }
    this.stops.beforeRange(k.FILL, address, length);
    this.barrier();
    this.changeBytes(address, length, () => byte);
    this.done(k.FILL, address, byte, length);
  }

  copy(to: Address, from: Address, length: number): void {
    if (this.log.isRecalling) {
      this.log.recallWrite(k.COPY, to, from);
      return;
    }
    this.stops.beforeCopy(to, from, length);
    this.barrier();
    const bytes = Array.from({ length }, (_, i) => this.raw.read8(from + i));
    this.changeBytes(to, length, (i) => bytes[i] as number);
    this.done(k.COPY, to, from, length);
  }

  /** Word by word, so that the journal can undo it. */
  private changeBytes(address: Address, length: number, byteAt: (index: number) => number): void {
    const end = address + length;
    for (let word = address & ~3; word < end; word += 4) {
      let value = this.raw.read32(word);
      for (let at = Math.max(word, address); at < Math.min(word + 4, end); at++) {
        const shift = (at & 3) * 8;
        value = (value & ~(0xff << shift)) | ((byteAt(at - address) & 0xff) << shift);
      }
      this.store(word, value);
    }
  }

  findOther(address: Address, byte: number, length: number): Address {
    if (this.log.isRecalling) return this.log.recall(k.FIND_OTHER, address);
    this.stops.beforeRange(k.FIND_OTHER, address, length);
    this.barrier();
    const found = this.backing.findOther(address, byte, length);
    return this.done(k.FIND_OTHER, address, found, byte, length);
  }

  // ---- marked and ordered ----

  readOnce(address: Address): number {
    if (this.log.isRecalling) return this.log.recall(k.READ_ONCE, address);
    this.stops.beforeWord(k.READ_ONCE, address);
    return this.done(k.READ_ONCE, address, this.backing.read32(address));
  }

  private markedWrite(kind: number, address: Address, value: number): void {
    if (this.log.isRecalling) {
      this.log.recallWrite(kind, address, value);
      return;
    }
    this.stops.beforeWord(kind, address);
    if (kind === k.WRITE_ONCE) this.checkArea(address);
    this.storeLate(address, value | 0, kind === k.STORE_RELEASE ? RELEASE : PLAIN);
    this.done(kind, address, value);
  }

  writeOnce(address: Address, value: number): void {
    this.markedWrite(k.WRITE_ONCE, address, value);
  }
  storeRelease(address: Address, value: number): void {
    this.markedWrite(k.STORE_RELEASE, address, value);
  }

  readRacy(address: Address): number {
    if (this.log.isRecalling) return this.log.recall(k.READ_RACY, address);
    if (this.check.isInMemory(address)) this.stops.beforePart(k.READ_RACY, address);
    else this.stops.beforeNothing(k.READ_RACY);
    return this.done(k.READ_RACY, address, this.backing.readRacy(address));
  }

  loadAcquire(address: Address): number {
    if (this.log.isRecalling) return this.log.recall(k.LOAD_ACQUIRE, address);
    this.stops.beforeWord(k.LOAD_ACQUIRE, address);
    return this.done(k.LOAD_ACQUIRE, address, this.backing.read32(address));
  }

  // ---- atomic ----

  cmpxchg(address: Address, expected: number, desired: number): number {
    if (this.log.isRecalling) return this.log.recall(k.CMPXCHG, address);
    this.stops.beforeWord(k.CMPXCHG, address);
    this.barrier();
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
    if (this.log.isRecalling) return this.log.recall(k.CMPXCHG_DOUBLE, address) !== 0;
    this.stops.beforePair(k.CMPXCHG_DOUBLE, address);
    this.barrier();
    const stored = this.areBoth(address, expectedLow, expectedHigh);
    if (stored) {
      this.store(address, desiredLow | 0);
      this.store(address + 4, desiredHigh | 0);
    }
    this.done(k.CMPXCHG_DOUBLE, address, stored ? 1 : 0, desiredLow, desiredHigh);
    return stored;
  }

  protected areBoth(address: Address, low: number, high: number): boolean {
    const { backing } = this;
    return backing.read32(address) === low && backing.read32(address + 4) === high;
  }

  xchg(address: Address, value: number): number {
    if (this.log.isRecalling) return this.log.recall(k.XCHG, address);
    this.stops.beforeWord(k.XCHG, address);
    // Dropping a spinlock is a release, not a full barrier, in the kernel.
    const isUnlock = this.buffers !== undefined && value === 0 && this.locks.isHeld(address);
    if (!isUnlock) this.barrier();
    const found = this.backing.read32(address);
    if (isUnlock) this.storeLate(address, value | 0, RELEASE);
    else this.store(address, value | 0);
    return this.done(k.XCHG, address, found, value);
  }

  add(address: Address, n: number): number {
    if (this.log.isRecalling) return this.log.recall(k.ADD, address);
    this.stops.beforeWord(k.ADD, address);
    this.barrier();
    const found = this.backing.read32(address);
    this.store(address, (found + n) | 0);
    return this.done(k.ADD, address, found, (found + n) | 0);
  }

  /**
   * Runs `section` on the words as one step, an atomic access and full barrier of `bytes` bytes at `address`:
   * what other contexts may notice of it lies there. Returns the two numbers that it returns.
   */
  atomically(
    address: Address,
    bytes: number,
    section: (words: Words) => readonly [number, number],
  ): readonly [number, number] {
    if (this.log.isRecalling) {
      const first = this.log.recall(k.UPDATE, address);
      return [first, this.log.recall(k.UPDATE, address)];
    }
    this.stops.beforeRange(k.UPDATE, address, bytes);
    this.barrier();
    const [first, second] = section({
      read: (at) => this.backing.read32(at),
      write: (at, value) => this.store(at, value | 0),
    });
    this.done(k.UPDATE, address, first, this.backing.read32(address));
    this.log.record(k.UPDATE, address, second);
    return [first, second];
  }
}
