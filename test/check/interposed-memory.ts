/**
 * One thread, one planned interruption: at the nth access of an operation something else happens, for
 * example another context runs to its end. Trying every n tries every place in which two contexts can
 * cut each other, as long as one of them is not cut itself. No other thread runs, so a wait never
 * ends; it is a deadlock.
 */
import { KernelBug } from "../../src/machine/kernel-bug.ts";
import { TorturedMemory } from "../../src/machine/tortured-memory.ts";

const ACCESSES = [
  "read32",
  "write32",
  "fill",
  "copy",
  "readOnce",
  "writeOnce",
  "readRacy",
  "loadAcquire",
  "storeRelease",
  "cmpxchg",
  "cmpxchgDouble",
  "xchg",
  "add",
  "thisCpuPtr",
  "thisCpuRead",
  "thisCpuCmpxchg",
  "thisCpuCmpxchgDouble",
] as const;

/** An operation that has not ended by then, with what cuts it, never will. */
const ENDLESS = 20_000;

export class InterposedMemory extends TorturedMemory {
  private planned: { access: number; act: () => boolean } | undefined;
  private accesses = 0;
  private left = Number.POSITIVE_INFINITY;
  /** The planned act has run. */
  hasActed = false;

  /** `act` runs before the access with that number, counted from 1 since `plan`. */
  plan(access: number, act: () => boolean): void {
    this.forget();
    this.planned = { access, act };
    this.left = ENDLESS;
  }

  /** Nothing is planned any more. */
  forget(): void {
    this.planned = undefined;
    this.accesses = 0;
    this.hasActed = false;
    this.left = Number.POSITIVE_INFINITY;
  }

  get accessed(): number {
    return this.accesses;
  }

  /** @internal */
  interpose(): void {
    this.accesses++;
    if (--this.left < 0) throw new KernelBug("livelock", `no end after ${ENDLESS} accesses`);
    const { planned, accesses } = this;
    if (planned?.access !== accesses) return;
    // The act has accesses of its own, which do not count.
    this.planned = undefined;
    const interrupted = this.locks.begin();
    this.hasActed = planned.act();
    this.locks.end(interrupted);
    this.accesses = accesses;
  }

  /** Runs `act` as an interrupt, where interrupts are on. */
  asInterrupt(act: () => void): boolean {
    if (this.irqsOff) return false;
    this.irqsOff = true;
    act();
    this.irqsOff = false;
    return true;
  }

  /** Runs `act` as that CPU. */
  asCpu(cpu: number, act: () => void): boolean {
    const { cpu: was, irqsOff, preemptCount } = this;
    this.become(cpu);
    this.irqsOff = false;
    this.preemptCount = 0;
    act();
    this.become(was);
    this.irqsOff = irqsOff;
    this.preemptCount = preemptCount;
    return true;
  }

  /** The task goes on as that CPU, where it may be preempted. */
  migrate(cpu: number): boolean {
    if (this.irqsOff || this.preemptCount !== 0) return false;
    this.become(cpu);
    return true;
  }

  /** What memory and context are now, to come back to. The task runs as a CPU. */
  snapshot(): () => void {
    const bytes = this.bytes.slice();
    const { cpu } = this;
    return () => {
      this.bytes.set(bytes);
      this.forget();
      this.locks.forget();
      this.become(cpu);
      this.irqsOff = false;
      this.preemptCount = 0;
    };
  }

  /** A task that may sleep lets go of its CPU, and work that waits for that CPU is done. */
  override waitWhile(address: number, value: number, holder = 0): void {
    // A CPU that another task of this thread keeps is recalled meanwhile.
    if (!this.irqsOff) super.waitWhile(address, value, holder);
    else if (this.words[address >> 2] === value) throw new KernelBug("deadlock", "waits for ever");
  }
}

for (const name of ACCESSES) {
  const access = TorturedMemory.prototype[name] as (...given: number[]) => number;
  Object.defineProperty(InterposedMemory.prototype, name, {
    value(this: InterposedMemory, ...given: number[]): number {
      this.interpose();
      return access.apply(this, given);
    },
  });
}
