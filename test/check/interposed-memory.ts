/**
 * One thread, one planned interruption: at the nth access of an operation another context runs to
 * its end, as an interrupt on the same CPU, as another CPU, or the task itself moves to one. Trying
 * every n tries every place in which two contexts can cut each other, as long as one of them is not
 * cut itself. Nobody else runs, so whoever waits waits for ever, and that is a deadlock.
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
  private plans: { access: number; act: () => boolean }[] = [];
  private accesses = 0;
  private left = Number.POSITIVE_INFINITY;
  /** How many of the planned acts have run. */
  acted = 0;

  /** `act` runs before the access with that number, counted from 1 since `plan`. */
  plan(plans: { access: number; act: () => boolean }[]): void {
    this.plans = [...plans];
    this.accesses = 0;
    this.acted = 0;
    this.left = plans.length === 0 ? Number.POSITIVE_INFINITY : ENDLESS;
  }

  get accessed(): number {
    return this.accesses;
  }

  /** @internal */
  interpose(): void {
    this.accesses++;
    if (--this.left < 0) throw new KernelBug("livelock", `no end after ${ENDLESS} accesses`);
    const next = this.plans[0];
    if (next === undefined || next.access !== this.accesses) return;
    this.plans.shift();
    // What runs now has accesses of its own, which do not count.
    const { accesses, plans } = this;
    this.plans = [];
    if (next.act()) this.acted++;
    this.accesses = accesses;
    this.plans = plans;
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
      this.plan([]);
      this.become(cpu);
      this.irqsOff = false;
      this.preemptCount = 0;
    };
  }

  /** Whoever may sleep lets go of its CPU, and what waits for that CPU is done. */
  override waitWhile(address: number, value: number, holder = 0): void {
    if (!this.irqsOff && this.preemptCount === 0) super.waitWhile(address, value, holder);
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
