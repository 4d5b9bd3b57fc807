// SPDX-License-Identifier: MIT
/** The parts of an explored memory, what the engine asks of them, and the steps of every access. */
import type { MachineLayout } from "../machine/machine.ts";
import type { Address, Memory } from "../machine/memory.ts";
import { AccessCheck } from "./access-check.ts";
import { AccessLog } from "./access-log.ts";
import { BusyCpus } from "./busy-cpus.ts";
import type { Context } from "./context.ts";
import { type Chances, CpuState } from "./cpu-state.ts";
import { Journal } from "./journal.ts";
import * as k from "./kinds.ts";
import { LockCheck } from "./lock-check.ts";
import type { Observer } from "./observer.ts";
import type { OlderValues } from "./older-values.ts";
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

/** What accesses read: the memory itself, unless stores wait before others see them. */
export type Backing = Pick<Memory, "read8" | "read16" | "read32" | "readRacy" | "findOther">;

/** Of a store: the bits that it writes (default all), and whether it is a release. */
export interface StoreKind {
  readonly mask?: number;
  readonly isRelease?: boolean;
}

export const PLAIN: StoreKind = {};
export const RELEASE: StoreKind = { isRelease: true };

export class ExploredParts {
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
  /** Undefined: loads return the latest value. */
  readonly older: OlderValues | undefined = undefined;
  protected readonly raw: Memory;
  protected readonly backing: Backing;
  protected readonly check: AccessCheck;
  protected readonly cpu: CpuState;
  protected readonly locks: LockCheck;

  /** Notices loops that only read; undefined: such a loop is a livelock. */
  private spins: SpinWatch | undefined;
  protected needsNotify = false;
  protected services: CpuServices | undefined;
  protected watching: Observer | undefined;
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

  /** How many older values the next access of the context may return. */
  olderFor(_context: Context): number {
    return 0;
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

  /** Memory that no operation may touch now: see access-check.ts. */
  closeWhere(isClosed: (address: Address) => boolean): void {
    this.check.closeWhere(isClosed);
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
  protected done(kind: number, address: Address, value: number, a = 0, b = 0): number {
    this.log.record(kind, address, value);
    if (this.spins?.accessed(this.cpu.context, address)) this.runnable.changed();
    if (this.watching !== undefined) this.tell(kind, address, value, a, b);
    return value;
  }

  protected tell(kind: number, address: Address, value: number, a: number, b: number): void {
    if (this.stops.isOn) this.watching?.accessed(this.cpu.context, { kind, address, value, a, b });
    else this.watching?.looked?.(address);
  }

  /** Of a plain write: refuses one into the area of another CPU, where that is wrong. */
  protected checkArea(address: Address): void {
    if (this.stops.isOn) this.check.write(this.cpu.context, address);
  }
}
