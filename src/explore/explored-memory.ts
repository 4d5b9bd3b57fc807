/**
 * Memory that a deterministic scheduler can stop at any access. Outside of exploration (boot, set-up,
 * checks) accesses pass straight through; under exploration each is a step of the running context.
 *
 * It holds no shared state of its own: words live in a backing memory, are changed through the
 * journal and so can be taken back; what belongs to a context lives in its Context.
 *
 * It also refuses what a wrong allocator would do: an access to page 0, outside of the memory or
 * misaligned, and a plain write into the area of a CPU on which somebody else is in mid-operation.
 */
import { Cpu, POLL_ASKED, POLL_OWN, sizeOfCpu } from "../machine/cpus.ts";
import { KernelBug } from "../machine/kernel-bug.ts";
import { type MachineLayout, PAGE_SIZE } from "../machine/machine.ts";
import type { Address, IrqFlags, Memory } from "../machine/memory.ts";
import { Journal } from "./journal.ts";
import * as k from "./kinds.ts";
import { Sharing } from "./sharing.ts";
import { Suspension } from "./suspension.ts";

export class ExploredMemory extends Suspension implements Memory {
  readonly byteLength: number;
  readonly journal: Journal;
  readonly sharing: Sharing;
  readonly layout: MachineLayout;
  readonly cpus: number;
  private readonly backing: Memory;
  /** First byte of the checker's room: logged, but no point. */
  private readonly checkerStart: Address;
  /** Byte offset of the area of the CPU that runs. */
  private area: Address = 0;

  /** Runs a pending inter-processor call of the running CPU; interrupts are off. */
  onCall: () => void = () => undefined;
  /** Does all that waits for the running CPU, which is between operations. */
  onQuiescent: () => void = () => undefined;

  /** Contexts in mid-operation on each CPU, those asleep not counted. */
  readonly busy: number[];
  /** Somebody waits, so that any write may change who can run. */
  hasWaiters = false;
  /** Who can run may have changed. */
  isStale = true;

  /** `backing` is of a machine laid out as `layout` says, with `cpus` CPUs, which nobody else uses. */
  constructor(backing: Memory, layout: MachineLayout, cpus: number) {
    super();
    if (backing.byteLength > k.MAX_EXPLORED_BYTES) {
      throw new RangeError(`only ${k.MAX_EXPLORED_BYTES} bytes of memory can be explored`);
    }
    this.backing = backing;
    this.byteLength = backing.byteLength;
    this.layout = layout;
    this.cpus = cpus;
    this.journal = new Journal(backing);
    this.sharing = new Sharing(backing.byteLength, layout.cpuBase, layout.taskBase);
    this.checkerStart = layout.end;
    this.busy = Array.from({ length: cpus }, () => 0);
    this.becomeCpu(0);
  }

  // ---- what every access does ----

  /** A word is about to be accessed live: checks the address, and lets others go first. */
  private arrive(kind: number, address: Address): void {
    if (!this.exploring) return;
    if (this.isUnwinding) this.suspend();
    if (address < PAGE_SIZE || address >= this.byteLength) this.badAccess(kind, address);
    if (address >= this.checkerStart) return;
    this.point(kind, address, this.sharing.touch(address, this.context.id));
  }

  private arriveAligned(kind: number, address: Address): void {
    if ((address & 3) !== 0 && this.exploring && !this.isUnwinding) this.badAccess(kind, address);
    this.arrive(kind, address);
  }

  private arriveRange(kind: number, address: Address, length: number): void {
    if (!this.exploring) return;
    if (this.isUnwinding) this.suspend();
    if (address < PAGE_SIZE || address + length > this.byteLength) this.badAccess(kind, address);
    if (address >= this.checkerStart) return;
    this.point(kind, address, this.sharing.touchRange(address, length, this.context.id));
  }

  /** An access in this CPU's area: where the context may be moved, that alone makes it a point. */
  private arriveHere(kind: number, address: Address): void {
    if (!this.exploring) return;
    if (this.isUnwinding) this.suspend();
    const shared = this.sharing.touch(address, this.context.id);
    this.point(kind, address, shared || this.canMigrate());
  }

  /** Something without a word. */
  private arriveBare(kind: number, matters: boolean): void {
    if (this.isUnwinding) this.suspend();
    this.point(kind, 0, matters);
  }

  private canMigrate(): boolean {
    return this.context.migrates && this.context.isPreemptible;
  }

  private badAccess(kind: number, address: Address): never {
    const what = address >= PAGE_SIZE && address < this.byteLength ? "misaligned" : "bad";
    const { name, operationName } = this.context;
    throw new KernelBug(
      "bad-access",
      `${what} ${k.kindName(kind)} at 0x${(address >>> 0).toString(16)} by ${operationName} of ${name}`,
    );
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

  /** Done: logs, and tells who watches. */
  private done(kind: number, address: Address, value: number, a = 0, b = 0): number {
    this.keep(kind, address, value);
    this.observed(kind, address, value, a, b);
    return value;
  }

  private observed(kind: number, address: Address, value: number, a: number, b: number): void {
    if (this.observer === undefined || !this.exploring) return;
    this.observer.accessed(this.context, kind, address, value, a, b);
  }

  private store(address: Address, value: number): void {
    if (this.hasWaiters || (address >= this.layout.cpuBase && address < this.layout.taskBase)) {
      this.isStale = true;
    }
    this.journal.change(address, value);
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
    if (this.exploring) this.sharing.touchRange(from, length, this.context.id);
    this.arriveRange(k.COPY, to, length);
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
    this.arriveAligned(k.CMPXCHG_DOUBLE, address);
    if (this.exploring) this.sharing.touch(address + 4, this.context.id);
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

  protected override becomeCpu(cpu: number): void {
    this.area = this.layout.percpuStart + cpu * this.layout.percpuStride;
  }

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
    this.arriveHere(k.CPU_READ, this.area + offset);
    return this.doneHere(k.CPU_READ, offset, this.backing.read32(this.area + offset), 0, 0);
  }

  thisCpuCmpxchg(offset: Address, expected: number, desired: number): number {
    if (this.position < this.logged) return this.recall(k.CPU_CMPXCHG, offset);
    const address = this.area + offset;
    this.arriveHere(k.CPU_CMPXCHG, address);
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
    this.arriveHere(k.CPU_CMPXCHG_DOUBLE, address);
    if (this.exploring) this.sharing.touch(address + 4, this.context.id);
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

  // ---- the state of the running context ----

  irqSave(): IrqFlags {
    const enabled = !this.context.irqsOff;
    if (enabled) this.irqDisable();
    return enabled;
  }
  irqRestore(flags: IrqFlags): void {
    if (flags) this.irqEnable();
    else this.irqDisable();
  }
  irqEnable(): void {
    if (this.isUnwinding) this.suspend();
    if (!this.context.irqsOff) return;
    this.context.irqsOff = false;
    this.windowIsOpen = true;
    this.isStale = true;
  }
  irqDisable(): void {
    if (this.context.irqsOff) return;
    this.closeWindow(k.IRQS_OFF);
    this.context.irqsOff = true;
    this.isStale = true;
  }
  irqsDisabled(): boolean {
    return this.context.irqsOff;
  }
  preemptDisable(): void {
    if (this.context.isPreemptible) this.closeWindow(k.PREEMPT_OFF);
    this.context.preemptCount++;
    this.isStale = true;
  }
  preemptEnable(): void {
    if (this.isUnwinding) this.suspend();
    this.context.preemptCount--;
    if (!this.context.isPreemptible) return;
    this.windowIsOpen = true;
    this.isStale = true;
  }

  /** What an interrupt could only do before this: a window without any access is not overlooked. */
  private closeWindow(kind: number): void {
    if (this.position < this.logged) {
      this.recall(kind, 0);
    } else if (this.exploring) {
      this.arriveBare(kind, false);
      this.keep(kind, 0, 0);
    }
  }

  smpProcessorId(): number {
    if (this.position < this.logged) return this.recall(k.CPU_ID, 0);
    if (this.exploring) this.arriveBare(k.CPU_ID, this.canMigrate());
    return this.keep(k.CPU_ID, 0, this.context.cpu);
  }
  current(): number {
    return Math.max(this.context.id, 0);
  }
  /** Time stands still. */
  getCycles(): number {
    return 0;
  }
  /** The same sequence for the same operation of the same context, however often it is run. */
  random(): number {
    const { context } = this;
    let x = Math.imul(context.id + 2, 0x9e3779b1) ^ Math.imul(context.operation + 1, 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 15) ^ ++context.draws, 0x2c1b3c6d);
    x = Math.imul(x ^ (x >>> 12), 0x297a2d39);
    return x ^ (x >>> 15);
  }

  // ---- waiting ----

  waitWhile(address: Address, value: number, holder = 0): void {
    if (this.position < this.logged) {
      this.recall(k.WAIT, address);
      return;
    }
    this.arriveAligned(k.WAIT, address);
    const found = this.backing.read32(address);
    if (found !== value) {
      this.done(k.WAIT, address, found);
      return;
    }
    const { context } = this;
    if (!this.exploring || holder === context.id + 1) this.waitsForever(address);
    context.waitAddress = address;
    context.waitValue = value;
    context.waitHolder = holder;
    context.pendingKind = k.WAIT;
    context.pendingAddress = address;
    this.pilot.blocked();
    this.suspend();
  }

  private waitsForever(address: Address): never {
    const { name, operationName } = this.context;
    const why = this.exploring ? "which it holds itself" : "and nobody else runs";
    throw new KernelBug(
      "deadlock",
      `deadlock: ${operationName} of ${name} waits for ${this.nameOf(address)}, ${why}`,
    );
  }

  /** Waiters are woken by the word itself. */
  notify(_address: Address): void {}

  pollWord(cpu: number): Address {
    return this.layout.cpuBase + cpu * sizeOfCpu + Cpu.poll;
  }

  kick(cpu: number): void {
    const address = this.pollWord(cpu);
    if (this.position < this.logged) {
      this.recall(k.KICK, address);
      return;
    }
    this.arrive(k.KICK, address);
    const asked = cpu === this.context.cpu ? POLL_OWN : POLL_ASKED;
    const found = this.backing.read32(address);
    if (asked === POLL_ASKED || found === 0) this.store(address, asked);
    this.done(k.KICK, address, asked);
    if (!this.exploring && cpu !== this.context.cpu) this.runOutside(cpu, () => this.serve());
  }

  // ---- outside of exploration ----

  /** Runs `section` as `cpu`, then what it left for that CPU to do. For set-up and checks. */
  runAs<T>(cpu: number, section: () => T): T {
    return this.runOutside(cpu, () => {
      const result = section();
      if (this.backing.read32(this.pollWord(cpu)) !== 0) this.serve();
      return result;
    });
  }

  private runOutside<T>(cpu: number, section: () => T): T {
    const { outside } = this;
    const { cpu: was, irqsOff, preemptCount } = outside;
    this.beOutside(cpu, false, 0);
    this.setLease(cpu, 1);
    const result = section();
    this.setLease(cpu, 0);
    this.beOutside(was, irqsOff, preemptCount);
    return result;
  }

  private beOutside(cpu: number, irqsOff: boolean, preemptCount: number): void {
    const { outside } = this;
    outside.cpu = cpu;
    outside.irqsOff = irqsOff;
    outside.preemptCount = preemptCount;
    this.becomeCpu(cpu);
  }

  /** Says who runs as `cpu`: task number + 1, or 0 for nobody. */
  setLease(cpu: number, holder: number): void {
    this.store(this.layout.cpuBase + cpu * sizeOfCpu + Cpu.lease, holder);
  }

  /** Does what waits for the running CPU, between operations: interrupts on, no preemption. */
  serve(): void {
    this.preemptDisable();
    this.xchg(this.pollWord(this.context.cpu), 0);
    this.onQuiescent();
    this.preemptEnable();
  }

  /** The word as it is now, for whoever decides. */
  peek(address: Address): number {
    return this.backing.read32(address);
  }
}
