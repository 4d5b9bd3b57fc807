// SPDX-License-Identifier: GPL-2.0-only
/**
 * What a program may ask about its own bugs: reports of damage, the machine's console, who holds
 * which objects, and failures on purpose.
 */
import { EINVAL } from "../caches/errno.ts";
import { type FaultInjection, faultsOf } from "../caches/fault-injection.ts";
import type { KmemCachePtr } from "../caches/kmem-cache.ts";
import type { LiveObjects } from "../caches/live-objects.ts";
import type { SlabReport } from "../caches/slab-report.ts";
import type { CheckedViews } from "../machine/checked-views.ts";
import type { DirectMemory } from "../machine/direct-memory.ts";
import { isFunction, named } from "../machine/option-check.ts";
import type { Afterwards } from "./afterwards.ts";
import { type Arguments, refuse } from "./arguments.ts";
import { Kmemleak } from "./kmemleak.ts";
import type { System } from "./system.ts";

interface DebugParts {
  readonly system: System;
  readonly direct: DirectMemory;
  readonly args: Arguments;
  readonly afterwards: Afterwards;
  /** Makes one call of the allocator, as a CPU. */
  readonly call: <T>(name: string, act: () => T) => T;
}

/** What KFENCE tells of itself. */
export interface KfenceFiles {
  readonly stats: string;
  readonly objects: string;
}

export class KernelDebug {
  declare private readonly parts: DebugParts;
  /** Whether there is a sink. */
  isWatched = false;

  /** Objects that nothing points to (kmemleak); undefined unless booted with `kmemleak`. */
  declare readonly kmemleak: Kmemleak | undefined;
  /** Where accesses of programs are checked: the views that do it. */
  declare private readonly views: CheckedViews | undefined;

  constructor(parts: DebugParts) {
    const { direct, system, afterwards } = parts;
    const { checker } = system.machine;
    this.parts = parts;
    const tracked = system.common.kmemleak;
    this.kmemleak = tracked && new Kmemleak({ system, tracked, call: parts.call });
    if (checker === undefined) return;
    this.views = direct.showBy({
      ...(checker.concerns && { concerns: (address) => checker.concerns?.(address) === true }),
      check: (address, bytes, isWrite) => {
        checker.check(address, bytes, isWrite);
        afterwards.callSinks();
      },
    });
  }

  /** The language's Atomics, for views that are checked as well: those refuse stand-ins of arrays. */
  get atomics(): typeof Atomics {
    return this.views?.atomics ?? Atomics;
  }

  /** How many bad accesses and frees KASAN, KFENCE or kmemcheck has reported, on all threads. */
  get badAccesses(): number {
    const { kasan, kfence, kmemcheck } = this.parts.system.common;
    const ofKfence = kfence?.counters.get("total bugs") ?? 0;
    return (kasan?.reports.count ?? 0) + ofKfence + (kmemcheck?.count ?? 0);
  }

  /** /sys/kernel/debug/kfence: the files `stats` and `objects`; undefined unless booted with `kfence`. */
  get kfence(): KfenceFiles | undefined {
    const { kfence } = this.parts.system.common;
    if (kfence === undefined) return undefined;
    return { stats: kfence.counters.text(true), objects: kfence.reports.objectsText() };
  }

  /**
   * Hands each report of damage that this thread finds to `sink`, as data (SLUB), at the end of the
   * call that found it. An error of the sink rejects a promise that nobody waits for.
   */
  onReport(sink: (report: SlabReport) => void): void {
    const { system, afterwards } = this.parts;
    if (!isFunction(sink)) refuse("onReport", `${named(sink)} is no function`);
    this.watch();
    system.observer.onReport?.((report) => afterwards.report(() => sink(report)));
  }

  /** Hands each line that the machine prints on this thread to `sink`, likewise, in the kernel's words. */
  onConsole(sink: (line: string) => void): void {
    const { system, afterwards } = this.parts;
    if (!isFunction(sink)) refuse("onConsole", `${named(sink)} is no function`);
    this.watch();
    system.machine.console.sink = (line) => afterwards.report(() => sink(line));
  }

  /** No call may come straight through any more: each is followed by the reports that it has made. */
  private watch(): void {
    this.isWatched = true;
    this.parts.direct.shut(true);
  }

  /** The injection point for allocations of objects; undefined unless booted with `failSlab`. */
  get failSlab(): FaultInjection | undefined {
    return faultsOf(this.parts.system.allocator);
  }

  /** The injection point for requests of pages; undefined unless booted with `failPages`. */
  get failPages(): FaultInjection | undefined {
    return faultsOf(this.parts.system.pages);
  }

  /**
   * Checks all slabs of a debug cache that lie on lists, beside running users (validate_slab_cache);
   * damage goes to the console and to `onReport`. Slabs checked, or -EINVAL for any other cache.
   */
  validate(s: KmemCachePtr): number {
    const { system, args, call } = this.parts;
    args.cache("validate", s);
    return call("validate", () => system.observer.validate?.(s) ?? -EINVAL);
  }

  /**
   * The objects of a cache that are in use, by who allocated them, most numerous first: a leak
   * report. Callers are known where the cache has SLAB_STORE_USER. Undefined: not kept by SLAB.
   */
  liveObjects(s: KmemCachePtr): LiveObjects[] | undefined {
    const { system, args, call } = this.parts;
    args.cache("liveObjects", s);
    return call("liveObjects", () => system.liveObjects(s));
  }
}
