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
import type { System } from "./system.ts";

export class KernelDebug {
  declare private readonly system: System;
  declare private readonly run: <T>(act: () => T) => T;

  /** `run`: as a CPU. */
  constructor(system: System, run: <T>(act: () => T) => T) {
    this.system = system;
    this.run = run;
  }

  /** Hands each report of damage that this thread finds to `sink`, as data (SLUB). */
  onReport(sink: (report: SlabReport) => void): void {
    this.system.observer.onReport?.(sink);
  }

  /** Hands each line that the machine prints on this thread to `sink`, in the kernel's words. */
  onConsole(sink: (line: string) => void): void {
    this.system.machine.console.sink = sink;
  }

  /** The injection point for allocations of objects; undefined unless booted with `failSlab`. */
  get failSlab(): FaultInjection | undefined {
    return faultsOf(this.system.allocator);
  }

  /** The injection point for requests of pages; undefined unless booted with `failPages`. */
  get failPages(): FaultInjection | undefined {
    return faultsOf(this.system.pages);
  }

  /**
   * Checks all slabs of a debug cache that lie on lists, beside running users (validate_slab_cache);
   * damage goes to the console and to `onReport`. Slabs checked, or -EINVAL for any other cache.
   */
  validate(s: KmemCachePtr): number {
    return this.run(() => this.system.observer.validate?.(s) ?? -EINVAL);
  }

  /**
   * The objects of a cache that are in use, by who allocated them, most numerous first: a leak
   * report. Callers are known where the cache has SLAB_STORE_USER. Undefined: not kept by SLAB.
   */
  liveObjects(s: KmemCachePtr): LiveObjects[] | undefined {
    return this.run(() => this.system.liveObjects(s));
  }
}
