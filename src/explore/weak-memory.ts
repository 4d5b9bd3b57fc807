// SPDX-License-Identifier: MIT
/**
 * An explored memory whose stores wait in store buffers (store-buffers.ts). Late are plain, marked and
 * release stores, and the swaps of this CPU's area, which the kernel does without a lock prefix; to
 * drop a spinlock counts as a release, as in the kernel. Full barriers are the other atomic accesses, fills and
 * copies, kicks, and the switch from one task to another.
 *
 * A store to a word of one context alone need not wait: no other context can tell. In a replay it does
 * all the same, since a replay does not know which words are shared.
 *
 * Under `weak` a load of a word that several contexts touch may also return an older value
 * (older-values.ts): which one is a choice of the schedule.
 */
import type { MachineLayout } from "../machine/machine.ts";
import type { Address, Memory } from "../machine/memory.ts";
import type { Context } from "./context.ts";
import { ExploredMemory } from "./explored-memory.ts";
import type { Backing, StoreKind } from "./explored-parts.ts";
import { LOAD_ACQUIRE, mayBeOld, WAIT } from "./kinds.ts";
import { OlderValues } from "./older-values.ts";
import { type MemoryModel, StoreBuffers } from "./store-buffers.ts";

const WHOLE_WORD = -1;

export class WeakMemory extends ExploredMemory {
  override readonly buffers: StoreBuffers;
  override readonly older: OlderValues | undefined = undefined;
  private readonly checkerStart: Address;

  constructor(raw: Memory, layout: MachineLayout, cpus: number, model: Exclude<MemoryModel, "sc">) {
    const seen = new SeenMemory(raw);
    super(raw, layout, cpus, seen);
    this.buffers = new StoreBuffers(model, cpus, raw, (address, value, cpu) =>
      this.storeFrom(cpu, address, value),
    );
    if (model === "weak") this.older = new OlderValues(cpus, () => this.stops.steps);
    this.checkerStart = layout.end;
    seen.seenBy((word) => (this.stops.isOn ? this.load(word) : raw.read32(word)));
  }

  private load(word: Address): number {
    const { buffers, older, runningCpu: cpu } = this;
    if (older === undefined || buffers.holds(cpu, word)) return buffers.view(cpu, word);
    const { context } = this.cpu;
    const { way } = context;
    context.way = 0;
    return older.read(cpu, word, this.peek(word), way);
  }

  override olderFor({ cpu, running, pendingKind, pendingAddress }: Context): number {
    const word = pendingAddress & ~3;
    if (this.older === undefined || !running || !mayBeOld(pendingKind)) return 0;
    return this.buffers.holds(cpu, word) ? 0 : this.older.count(cpu, word);
  }

  protected override done(kind: number, address: Address, value: number, a = 0, b = 0): number {
    if (kind === LOAD_ACQUIRE || kind === WAIT) this.older?.acquired(this.runningCpu);
    return super.done(kind, address, value, a, b);
  }

  protected override store(address: Address, value: number): void {
    this.storeFrom(this.runningCpu, address, value);
  }

  /** A lease is no word of the program. */
  private storeFrom(cpu: number, address: Address, value: number): void {
    const isKept = this.sharing.isShared(address) || this.stops.isAskingEverywhere;
    if (isKept && !this.busyCpus.isLease(address)) {
      this.older?.stored(cpu, address, this.peek(address), value);
    }
    super.store(address, value);
  }

  protected override storeLate(address: Address, value: number, kind: StoreKind): void {
    this.late(address, value, kind, undefined);
  }

  protected override storePairLate(address: Address, low: number, high: number): void {
    this.late(address, low, {}, high);
  }

  private late(
    address: Address,
    value: number,
    { mask = WHOLE_WORD, isRelease = false }: StoreKind,
    second: number | undefined,
  ): void {
    const { buffers, runningCpu: cpu } = this;
    if (!this.stops.isOn || address >= this.checkerStart) {
      this.storeNow(address, value, mask);
      return;
    }
    if (this.waits(cpu, address, second !== undefined)) {
      this.runnable.changed();
      buffers.put(cpu, { address, value, mask, isRelease, second });
      return;
    }
    buffers.countStore(cpu);
    this.storeNow(address, value, mask);
    if (second !== undefined) this.store(address + 4, second);
  }

  private storeNow(address: Address, value: number, mask: number): void {
    const rest = mask === WHOLE_WORD ? 0 : this.peek(address) & ~mask;
    this.store(address, rest | (value & mask));
  }

  private waits(cpu: number, address: Address, isPair: boolean): boolean {
    if (this.stops.isAskingEverywhere) return true;
    const { sharing, buffers } = this;
    const concerns = (word: Address): boolean => sharing.isShared(word) || buffers.holds(cpu, word);
    return concerns(address) || (isPair && concerns(address + 4));
  }

  protected override barrier(): void {
    if (!this.stops.isOn) return;
    this.older?.barrier(this.runningCpu);
    if (this.buffers.isEmptyAt(this.runningCpu)) return;
    this.runnable.changed();
    this.buffers.flush(this.runningCpu);
  }
}

/** What the accesses of the running context read: the memory behind that CPU's late stores. */
class SeenMemory implements Backing {
  private readonly raw: Memory;
  private view: (word: Address) => number = () => 0;

  constructor(raw: Memory) {
    this.raw = raw;
  }

  seenBy(view: (word: Address) => number): void {
    this.view = view;
  }

  read8(address: Address): number {
    return (this.view(address & ~3) >>> ((address & 3) * 8)) & 0xff;
  }

  read16(address: Address): number {
    return (this.view(address & ~3) >>> ((address & 3) * 8)) & 0xffff;
  }

  read32(address: Address): number {
    return this.view(address);
  }

  readRacy(address: Address): number {
    const isThere = address >= 0 && address < this.raw.byteLength;
    return isThere ? this.view(address & ~3) : this.raw.readRacy(address);
  }

  /** Fills, copies and searches come after a barrier: nothing waits. */
  findOther(address: Address, byte: number, length: number): Address {
    return this.raw.findOther(address, byte, length);
  }
}
