// SPDX-License-Identifier: GPL-2.0-only
/**
 * Failures on purpose (lib/fault-inject.c): whether this call, of all that pass by, is to fail. The
 * settings and what is left of them lie in shared memory, so that all threads draw from one account
 * and each may change it; nothing is armed at first.
 */
import type { Machine } from "../machine/machine.ts";
import type { Address, Memory } from "../machine/memory.ts";
import { BOOLEAN, checkedOptions, type Kind, whole, within } from "../machine/option-check.ts";
import { struct, word } from "../machine/struct.ts";
import { __GFP_NOFAIL, __GFP_NOWARN, __GFP_WAIT } from "../pages/gfp.ts";
import { type DumpedMachine, dumpStack } from "./dump-stack.ts";
import { since } from "./kernel-version.ts";

export interface FaultSettings {
  /** Chance that a call fails which nothing below spares, 0 to 1. */
  readonly probability: number;
  /** Only every so many-th call can fail; up to 1: each. */
  readonly interval: number;
  /** How many failures there are in all; -1: no limit. */
  readonly times: number;
  /** So much passes first: bytes of objects, or pages. */
  readonly space: number;
  /** Requests that may sleep are spared. */
  readonly ignoreGfpWait: boolean;
  /** failslab: only caches with SLAB_FAILSLAB fail. */
  readonly cacheFilter: boolean;
  /** fail_page_alloc: smaller blocks are spared. */
  readonly minOrder: number;
  /** What the console tells of each failure: 0 nothing, 1 the settings, 2 the calls, too. */
  readonly verbose: 0 | 1 | 2;
}

/** The kernel's, but that they fail at all and that sleepers are not spared: most callers sleep. */
export const DEFAULT_FAULTS: FaultSettings = {
  probability: 1,
  interval: 1,
  times: -1,
  space: 0,
  ignoreGfpWait: false,
  cacheFilter: false,
  minOrder: 0,
  verbose: 2,
};

const FAULT_KINDS: Readonly<Record<keyof FaultSettings, Kind>> = {
  probability: within(0, 1),
  interval: whole(0, 2 ** 31 - 1),
  times: whole(-1, 2 ** 31 - 1),
  space: whole(0, 2 ** 31 - 1),
  ignoreGfpWait: BOOLEAN,
  cacheFilter: BOOLEAN,
  minOrder: whole(0, 2 ** 31 - 1),
  verbose: whole(0, 2),
};

/** @throws RangeError with the reason */
export function checkedFaults(call: string, given: Partial<FaultSettings>): Partial<FaultSettings> {
  return checkedOptions(call, given, FAULT_KINDS);
}

const FaultAttr = struct("fault_attr", {
  /** In 2^30ths. */
  probability: word,
  interval: word,
  /** Atomic: what is left. */
  times: word,
  space: word,
  ignoreGfpWait: word,
  cacheFilter: word,
  minOrder: word,
  verbose: word,
  /** Calls that could have failed, and those that did. */
  count: word,
  injected: word,
});

const CERTAIN = 2 ** 30;

export class FaultInjection {
  declare private readonly memory: Memory;
  declare private readonly at: Address;
  declare private readonly name: string;
  /** The kernel that the failures happen to; unknown at first. */
  private kernel: DumpedMachine | undefined;

  constructor(machine: Machine, name: string) {
    this.memory = machine.memory;
    this.name = name;
    this.at = machine.statics.allocate(FaultAttr, name);
  }

  /**
   * From now on, calls fail by these settings; what was counted before is forgotten.
   * @throws RangeError for settings that there are not
   */
  arm(settings: Partial<FaultSettings> = {}): void {
    const all = { ...DEFAULT_FAULTS, ...checkedFaults("arm", settings) };
    this.disarm();
    const write = (field: number, value: number): void =>
      this.memory.writeOnce(this.at + field, value);
    write(FaultAttr.probability, Math.round(all.probability * CERTAIN));
    write(FaultAttr.interval, all.interval);
    write(FaultAttr.space, all.space);
    write(FaultAttr.ignoreGfpWait, all.ignoreGfpWait ? 1 : 0);
    write(FaultAttr.cacheFilter, all.cacheFilter ? 1 : 0);
    write(FaultAttr.minOrder, all.minOrder);
    write(FaultAttr.verbose, all.verbose);
    write(FaultAttr.count, 0);
    write(FaultAttr.injected, 0);
    // Release: a thread that sees failures left sees the settings they are drawn by.
    this.memory.storeRelease(this.at + FaultAttr.times, all.times);
  }

  disarm(): void {
    this.memory.storeRelease(this.at + FaultAttr.times, 0);
  }

  /** From here on failures are told on the console of that kernel. */
  tellThrough(kernel: DumpedMachine): void {
    this.kernel = kernel;
  }

  /** How many calls have failed since the last arm. */
  get injected(): number {
    return this.read(FaultAttr.injected);
  }

  get cacheFilter(): boolean {
    return this.read(FaultAttr.cacheFilter) !== 0;
  }

  get minOrder(): number {
    return this.read(FaultAttr.minOrder);
  }

  /** should_fail: `size` is what the call costs of `space`. */
  shouldFail(gfp: number, size: number): boolean {
    const { memory, at } = this;
    if (memory.loadAcquire(at + FaultAttr.times) === 0) return false;
    if ((gfp & __GFP_NOFAIL) !== 0) return false;
    if (this.read(FaultAttr.ignoreGfpWait) !== 0 && (gfp & __GFP_WAIT) !== 0) return false;
    if (this.read(FaultAttr.space) > size) {
      memory.add(at + FaultAttr.space, -size);
      return false;
    }
    const nth = memory.add(at + FaultAttr.count, 1) + 1;
    const interval = this.read(FaultAttr.interval);
    if (interval > 1 && nth % interval !== 0) return false;
    if (memory.random() >>> 2 >= this.read(FaultAttr.probability)) return false;
    const left = this.spend();
    if (left === 0) return false;
    if (this.kernel !== undefined) this.tell(this.kernel, gfp, left);
    memory.add(at + FaultAttr.injected, 1);
    return true;
  }

  /** Takes one of the failures that are left; how many there were before. */
  private spend(): number {
    const { memory } = this;
    const times = this.at + FaultAttr.times;
    for (;;) {
      const left = memory.readOnce(times);
      if (left <= 0) return left;
      // Atomic: of two that want the last failure, one gets it.
      if (memory.cmpxchg(times, left, left - 1) === left) return left;
    }
  }

  /** fail_dump. Since 6.1 a caller that wants no warning hears of no failure. */
  private tell(on: DumpedMachine, gfp: number, times: number): void {
    const { console, witness } = on.machine;
    const verbose = this.read(FaultAttr.verbose);
    if (verbose === 0 || !console.isHeard) return;
    if ((gfp & __GFP_NOWARN) !== 0 && since(on.kernel, "6.1")) return;
    const probability = Math.round((this.read(FaultAttr.probability) / CERTAIN) * 100);
    console.printk("FAULT_INJECTION: forcing a failure.");
    console.printk(
      `name ${this.name}, interval ${this.read(FaultAttr.interval)}, probability ${probability}, space ${this.read(FaultAttr.space)}, times ${times}`,
    );
    if (verbose > 1) dumpStack(on, witness.stack());
  }

  private read(field: number): number {
    return this.memory.readOnce(this.at + field);
  }
}

/** The injection point of a part that has one. */
export function faultsOf(part: object): FaultInjection | undefined {
  return "faults" in part && part.faults instanceof FaultInjection ? part.faults : undefined;
}
