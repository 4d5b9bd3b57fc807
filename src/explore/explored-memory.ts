// SPDX-License-Identifier: MIT
/**
 * Memory that a deterministic scheduler can stop at any access. Outside of exploration (boot, set-up,
 * checks) accesses pass straight through. Under exploration each is a step of the running context,
 * and each goes the same way:
 *
 *     log.isRecalling    the operation runs again and did this access before: the log answers it
 *     stops.before…      else another context may go first, or the access is refused
 *     backing, journal   the access is done; its writes can be undone
 *     done               the access is logged, and the observer hears of it
 *
 * Each of these is a part of its own: the log, the stop rule, the CPU's state, the busy CPUs. The
 * state of a context lies in its Context; the memory itself keeps words only.
 */
import { Cpu, POLL_ASKED, POLL_OWN, sizeOfCpu } from "../machine/cpus.ts";
import { KernelBug } from "../machine/kernel-bug.ts";
import type { LockClass } from "../machine/lock-classes.ts";
import type { MachineLayout } from "../machine/machine.ts";
import type { Address, IrqFlags, Memory } from "../machine/memory.ts";
import { AccessCheck } from "./access-check.ts";
import { AccessLog } from "./access-log.ts";
import { BusyCpus } from "./busy-cpus.ts";
import type { Context } from "./context.ts";
import { type Chances, CpuState } from "./cpu-state.ts";
import { Journal } from "./journal.ts";
import * as k from "./kinds.ts";
import { LockCheck } from "./lock-check.ts";
import type { Observer } from "./observer.ts";
import { RunnableWatch } from "./runnable-watch.ts";
import { Sharing } from "./sharing.ts";
import { SpinWatch } from "./spin-watch.ts";
import { StopRule } from "./stop-rule.ts";
import type { StoreBuffers } from "./store-buffers.ts";

/** Work that the machine does for a CPU by itself. */
export interface CpuServices {
  /** Runs a pending inter-processor call of the running CPU; interrupts are off. */
  takeCall(): void;
  /** Does all work that waits for the running CPU, which is between operations. */
  quiescent(): void;
}

/** Words as a section sees them that is one step: reads and writes are no steps of their own. */
export interface Words {
  read(address: Address): number;
  write(address: Address, value: number): void;
}

/** What accesses read: the memory itself, unless stores wait before others see them. */
export type Backing = Pick<Memory, "read8" | "read16" | "read32" | "readRacy" | "findOther">;

/** Of a store: the bits that it writes (default all), and whether it is a release. */
export interface StoreKind {
  readonly mask?: number;
  readonly isRelease?: boolean;
}

const PLAIN: StoreKind = {};
const RELEASE: StoreKind = { isRelease: true };

export class ExploredMemory implements Memory {
  readonly byteLength: number;
  readonly layout: MachineLayout;
  readonly cpus: number;
  /** The writes of the present schedule. */
  readonly journal: Journal;
  /** Which words more than one context touches. */
  readonly sharing: Sharing;
  readonly log: AccessLog;
  readonly stops: StopRule;
  readonly runnable: RunnableWatch;
  readonly busyCpus: BusyCpus;
  /** The stores that wait; undefined: stores are visible to all at once. */
  readonly buffers: StoreBuffers | undefined = undefined;
  private readonly raw: Memory;
  private readonly backing: Backing;
  private readonly check: AccessCheck;
  private readonly cpu: CpuState;
  private readonly locks: LockCheck;

  /** Notices loops that only read; undefined: such a loop is a livelock. */
  private spins: SpinWatch | undefined;
  private needsNotify = false;
  private services: CpuServices | undefined;
  private watching: Observer | undefined;
  private describe: (address: Address) => string = (address) => `0x${address.toString(16)}`;

  /**
   * `raw` is of a machine laid out as `layout` says, with `cpus` CPUs, and used by nothing else.
   * `backing`: what its accesses read.
   */
  constructor(raw: Memory, layout: MachineLayout, cpus: number, backing: Backing = raw) {
    const { byteLength } = raw;
    if (byteLength > k.MAX_EXPLORED_BYTES) {
      throw new RangeError(`only ${k.MAX_EXPLORED_BYTES} bytes of memory can be explored`);
    }
    this.raw = raw;
    this.backing = backing;
    this.byteLength = byteLength;
    this.layout = layout;
    this.cpus = cpus;
    this.journal = new Journal(raw);
    this.sharing = new Sharing(byteLength, layout.cpuBase, layout.taskBase);
    this.runnable = new RunnableWatch(layout);
    this.busyCpus = new BusyCpus(layout, cpus, {
      peek: (address) => this.peek(address),
      store: (address, value) => this.store(address, value),
    });
    this.log = new AccessLog(this.nameOf);
    this.check = new AccessCheck(byteLength, layout, this.busyCpus, this.nameOf);
    this.stops = new StopRule(this.check, this.sharing, layout.end);
    this.cpu = new CpuState(this);
    this.locks = new LockCheck(raw, this.log, this.stops, this.nameOf);
  }

  // ---- for the engine ----

  /** `context` is about to run its operation from the start. */
  enter(context: Context): void {
    this.log.open(context);
    this.stops.enter(context);
    this.cpu.enter(context);
    this.locks.enter();
  }

  /** No context runs. */
  leave(): void {
    this.log.close();
    this.stops.leave();
    this.cpu.leave();
  }

  /** Runs `look` in the middle of an operation as if from outside: for names and drawn values. */
  inspect<T>(look: () => T): T {
    return this.log.paused(() => this.stops.paused(() => this.cpu.paused(look)));
  }

  /** The word as it is now, for the engine and for checks. */
  peek(address: Address): number {
    return this.raw.read32(address);
  }

  /** The same for checks that tell what they look at. */
  look(address: Address): number {
    this.watching?.looked?.(address);
    return this.peek(address);
  }

  /** The same as `cpu` sees it. */
  peekAs(cpu: number, address: Address): number {
    return this.buffers === undefined ? this.peek(address) : this.buffers.view(cpu, address);
  }

  protected get runningCpu(): number {
    return this.cpu.context.cpu;
  }

  /**
   * From now on a context that waits for a word goes on only after `notify`, as on threads: a
   * notification that is forgotten is a deadlock. Else the word alone wakes it.
   */
  requireNotify(): void {
    this.needsNotify = true;
  }

  /** What chance decides is a choice of the schedule from now on, and both ways are explored. */
  decideByChoice(chances: Chances): void {
    this.cpu.decideByChoice(chances);
  }

  /** How reports name an address. */
  readonly nameOf = (address: Address): string => this.describe(address);

  nameBy(describe: (address: Address) => string): void {
    this.describe = describe;
  }

  /** Has `services` run where a CPU does something for the machine. */
  serveBy(services: CpuServices): void {
    this.services = services;
  }

  /** Has a context that only reads the same words give way after `reads` of them: see spin-watch.ts. */
  watchSpinning(reads: number): void {
    this.spins = new SpinWatch(reads);
  }

  /** The context spins, and nothing has changed for it. */
  isSpinning(context: Context): boolean {
    return this.spins?.isIdle(context) === true;
  }

  /** Lets a context that spins go on. False: it does not spin. */
  releaseSpinning(context: Context): boolean {
    if (!this.isSpinning(context)) return false;
    this.spins?.release(context);
    return true;
  }

  /** Hears of each access; undefined: there is none. */
  get observer(): Observer | undefined {
    return this.watching;
  }

  /** Runs `section` and tells `observer` of its accesses. */
  observed<T>(observer: Observer, section: () => T): T {
    const before = this.watching;
    this.watching = observer;
    try {
      return section();
    } finally {
      this.watching = before;
    }
  }

  // ---- steps of every access ----

  /** A store that all CPUs see at once. */
  protected store(address: Address, value: number): void {
    this.runnable.stored(address);
    if (!this.journal.change(address, value) || this.spins === undefined) return;
    this.spins.changed();
    this.runnable.changed();
  }

  /** A store that others may see later. */
  protected storeLate(address: Address, value: number, { mask = -1 }: StoreKind): void {
    const rest = mask === -1 ? 0 : this.raw.read32(address) & ~mask;
    this.store(address, rest | (value & mask));
  }

  protected storePairLate(address: Address, low: number, high: number): void {
    this.store(address, low);
    this.store(address + 4, high);
  }

  /** All stores of the running CPU so far are visible to all from here on. */
  protected barrier(): void {}

  /** The access is done: logs it, and tells the observer. */
  private done(kind: number, address: Address, value: number, a = 0, b = 0): number {
    this.log.record(kind, address, value);
    if (this.spins?.accessed(this.cpu.context, address)) this.runnable.changed();
    if (this.watching !== undefined) this.tell(kind, address, value, a, b);
    return value;
  }

  private tell(kind: number, address: Address, value: number, a: number, b: number): void {
    if (this.stops.isOn) this.watching?.accessed(this.cpu.context, { kind, address, value, a, b });
    else this.watching?.looked?.(address);
  }

  /** Of a plain write: refuses one into the area of another CPU that is busy. */
  private checkArea(address: Address): void {
    if (this.stops.isOn) this.check.area(this.cpu.context, address);
  }

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

  private areBoth(address: Address, low: number, high: number): boolean {
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

  // ---- this CPU: logged by offset, since a repeated operation may run on another CPU ----

  thisCpuPtr(offset: Address): Address {
    if (this.log.isRecalling) return this.log.recall(k.CPU_PTR, offset);
    this.stops.beforePlace(k.CPU_PTR);
    return this.doneHere(k.CPU_PTR, offset, this.cpu.area + offset);
  }

  private doneHere(kind: number, offset: Address, value: number, a = 0, b = 0): number {
    this.log.record(kind, offset, value);
    if (this.watching !== undefined) this.tell(kind, this.cpu.area + offset, value, a, b);
    return value;
  }

  thisCpuRead(offset: Address): number {
    if (this.log.isRecalling) return this.log.recall(k.CPU_READ, offset);
    const address = this.cpu.area + offset;
    this.stops.beforeHere(k.CPU_READ, address, 4);
    return this.doneHere(k.CPU_READ, offset, this.backing.read32(address));
  }

  thisCpuCmpxchg(offset: Address, expected: number, desired: number): number {
    if (this.log.isRecalling) return this.log.recall(k.CPU_CMPXCHG, offset);
    const address = this.cpu.area + offset;
    this.stops.beforeHere(k.CPU_CMPXCHG, address, 4);
    const found = this.backing.read32(address);
    if (found === expected) this.storeLate(address, desired | 0, PLAIN);
    return this.doneHere(k.CPU_CMPXCHG, offset, found, expected, desired);
  }

  thisCpuCmpxchgDouble(
    offset: Address,
    expectedLow: number,
    expectedHigh: number,
    desiredLow: number,
    desiredHigh: number,
  ): boolean {
    if (this.log.isRecalling) return this.log.recall(k.CPU_CMPXCHG_DOUBLE, offset) !== 0;
    const address = this.cpu.area + offset;
    this.stops.beforeHere(k.CPU_CMPXCHG_DOUBLE, address, 8);
    const stored = this.areBoth(address, expectedLow, expectedHigh);
    if (stored) this.storePairLate(address, desiredLow | 0, desiredHigh | 0);
    this.doneHere(k.CPU_CMPXCHG_DOUBLE, offset, stored ? 1 : 0, desiredLow, desiredHigh);
    return stored;
  }

  perCpuPtr(offset: Address, cpu: number): Address {
    return this.cpu.areaOf(cpu) + offset;
  }

  // ---- locks: not points ----

  lockAcquire(at: Address, lockClass?: LockClass): void {
    this.locks.acquire(at, lockClass);
  }
  lockTaken(at: Address, lockClass?: LockClass): void {
    this.locks.taken(at, lockClass);
  }
  lockRelease(at: Address): void {
    this.locks.release(at);
  }
  assertLockHeld(at: Address): void {
    this.locks.assertHeld(at);
  }
  lockdepOff(): void {
    this.locks.off();
  }
  lockdepOn(): void {
    this.locks.on();
  }

  // ---- statistics: not points, and not in the state ----

  thisCpuAdd(offset: Address, n: number): void {
    this.addUp(k.CPU_ADD, offset, this.cpu.area + offset, n);
  }
  count(address: Address, n: number): void {
    this.addUp(k.COUNT, address, address, n);
  }

  private addUp(kind: number, key: Address, address: Address, n: number): void {
    if (this.log.isRecalling) {
      this.log.recallWrite(kind, key, n);
      return;
    }
    this.stops.checkIsStaying();
    this.journal.changeStatistic(address, this.raw.read32(address) + n);
    this.log.record(kind, key, n);
  }

  // ---- the state of the running context ----

  irqSave(): IrqFlags {
    return this.cpu.irqSave();
  }
  irqRestore(flags: IrqFlags): void {
    this.cpu.irqRestore(flags);
  }
  irqEnable(): void {
    this.cpu.irqEnable();
  }
  irqDisable(): void {
    this.cpu.irqDisable();
  }
  irqsDisabled(): boolean {
    return this.cpu.irqsDisabled();
  }
  preemptDisable(): void {
    this.cpu.preemptDisable();
  }
  preemptEnable(): void {
    this.cpu.preemptEnable();
  }
  smpProcessorId(): number {
    return this.cpu.number();
  }
  current(): number {
    return Math.max(this.cpu.context.id, 0);
  }
  /**
   * The point that the running operation has come to, by name: context, operation, access; undefined
   * while it repeats what it did before. Empty outside of all operations.
   */
  get point(): string | undefined {
    if (this.log.isRecalling) return undefined;
    const { id, operation, logged } = this.cpu.context;
    return id < 0 ? "" : `${id}.${operation}.${logged}`;
  }
  inInterrupt(): boolean {
    return !this.cpu.context.isTask;
  }
  random(): number {
    return this.cpu.random();
  }
  /** Time stands still, unless chance is a choice. */
  getCycles(): number {
    return this.cpu.cycles();
  }

  // ---- waiting ----

  waitWhile(address: Address, value: number, holder = 0): void {
    if (this.log.isRecalling) {
      this.log.recall(k.WAIT, address);
      return;
    }
    this.stops.beforeWord(k.WAIT, address);
    const found = this.backing.read32(address);
    if (found !== value) {
      this.done(k.WAIT, address, found);
      return;
    }
    const { context } = this.cpu;
    if (!this.stops.isOn || holder === context.id + 1) this.refuseEndlessWait(address);
    context.wait(address, value, holder);
    context.isNotified = !this.needsNotify || this.busyCpus.isLease(address);
    this.stops.block();
  }

  private refuseEndlessWait(address: Address): never {
    const { name, operationName } = this.cpu.context;
    const why = this.stops.isOn ? "which it holds itself" : "and no other context runs";
    throw new KernelBug(
      "deadlock",
      `deadlock: ${operationName} of ${name} waits for ${this.nameOf(address)}, ${why}`,
    );
  }

  /** A waiter waits at once. */
  spinUntilZero(): boolean {
    return false;
  }

  notify(address: Address): void {
    if (!this.needsNotify) return;
    if (this.log.isRecalling) {
      this.log.recall(k.NOTIFY, address);
      return;
    }
    this.stops.checkIsStaying();
    if (this.stops.isOn) this.watching?.notified?.(address);
    this.runnable.notify(address);
    this.log.record(k.NOTIFY, address, 0);
  }

  pollWord(cpu: number): Address {
    return this.layout.cpuBase + cpu * sizeOfCpu + Cpu.poll;
  }

  kick(cpu: number): void {
    const address = this.pollWord(cpu);
    if (this.log.isRecalling) {
      this.log.recall(k.KICK, address);
      return;
    }
    this.stops.beforeWord(k.KICK, address);
    this.barrier();
    const isOwn = cpu === this.cpu.context.cpu;
    const asked = isOwn ? POLL_OWN : POLL_ASKED;
    if (!isOwn || this.backing.read32(address) === 0) this.store(address, asked);
    this.done(k.KICK, address, asked);
    if (!this.stops.isOn && !isOwn) this.runOutside(cpu, () => this.serve());
  }

  // ---- services of the machine ----

  takeCall(): void {
    this.services?.takeCall();
  }

  /** Does work that waits for the running CPU, between operations: interrupts on, preemption off. */
  serve(): void {
    this.preemptDisable();
    this.xchg(this.pollWord(this.cpu.context.cpu), 0);
    this.services?.quiescent();
    this.preemptEnable();
  }

  // ---- outside of exploration ----

  /** Runs `section` as `cpu`, then the work that it left for that CPU. For set-up and checks. */
  runAs<T>(cpu: number, section: () => T): T {
    return this.runOutside(cpu, () => {
      const result = section();
      if (this.peek(this.pollWord(cpu)) !== 0) this.serve();
      return result;
    });
  }

  private runOutside<T>(cpu: number, section: () => T): T {
    this.busyCpus.take(cpu, 0);
    try {
      return this.cpu.as(cpu, section);
    } finally {
      this.busyCpus.giveBack(cpu);
    }
  }
}
