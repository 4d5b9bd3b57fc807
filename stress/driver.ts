// SPDX-License-Identifier: GPL-2.0-only
/**
 * The calls through which a workload uses the allocator. Each call is entered in the task's log and
 * counted. Where there is a ledger, an object's bytes are painted while it is held, so that a write
 * by another task is seen when the object goes back.
 */
import { EIO } from "../src/caches/errno.ts";
import { faultsOf } from "../src/caches/fault-injection.ts";
import { SLAB_TYPESAFE_BY_RCU } from "../src/caches/flags.ts";
import { KmemCacheBase } from "../src/caches/kmem-cache.ts";
import type { Ledger } from "../src/check/ledger.ts";
import { type Kernel, systemOf } from "../src/kernel/kernel.ts";
import { KernelBug } from "../src/machine/kernel-bug.ts";
import type { Address } from "../src/machine/memory.ts";
import { NUMA_NO_NODE } from "../src/machine/topology.ts";
import { __GFP_ZERO, GFP_KERNEL } from "../src/pages/gfp.ts";
import { Page, PG_SLAB } from "../src/pages/page.ts";
import { SlabSysfs } from "../src/sysfs/sysfs.ts";
import {
  ALLOC_BULK,
  ALLOC_FROM_SHEAF,
  ALLOC_PAGES,
  CACHE_ALLOC,
  CACHE_CREATE,
  CACHE_DESTROY,
  CACHE_FREE,
  CACHE_SHRINK,
  FREE_BULK,
  KFREE,
  KFREE_NOLOCK,
  KFREE_RCU,
  KMALLOC,
  KMALLOC_NOLOCK,
  LOG_ENTRIES,
  MAILBOX_SLOTS,
  PREFILL_SHEAF,
  RCU_READ,
  REFILL_SHEAF,
  RETURN_SHEAF,
  SLABINFO_WRITE,
  type StressControl,
  SYSFS_STORE,
} from "./control.ts";
import type { Random } from "./random.ts";
import { sheafCapacityFor } from "./sheaf-capacity.ts";
import { StatisticsTally } from "./statistics.ts";

/** So much of an object is painted; a stray free pointer lies in the first word. */
const PAINTED_BYTES = 64;
/** How often a reader looks whether the slab is still there. */
const LOOKS = 20;
/** A name's prefix, so that the caches of a run are known among the kernel's own. */
export const CACHE_PREFIX = "stress-";

export interface DriverOptions {
  readonly kernel: Kernel;
  readonly control: StressControl;
  readonly ledger: Ledger | undefined;
  readonly task: number;
  readonly tasks: number;
  readonly random: Random;
  /** Page allocations from this order on may be made to fail; undefined: none. */
  readonly failsFrom: number | undefined;
  readonly caches: readonly Address[];
}

export class Driver {
  readonly kernel: Kernel;
  readonly task: number;
  readonly tasks: number;
  readonly nodes: number;
  readonly random: Random;
  /** The caches of the workload, which all tasks share. */
  readonly caches: readonly Address[];
  /** Those whose slabs stay as long as a reader may see them. */
  private readonly typesafe: readonly Address[];
  private readonly control: StressControl;
  private readonly ledger: Ledger | undefined;
  private readonly sysfs: SlabSysfs;
  private readonly failsFrom: number | undefined;
  /** Operations entered in the log so far. */
  private logged = 0;
  /** Where in the log the newest operation outside of interrupts stands. */
  private own = -1;
  inInterrupt = false;

  /** Objects allocated and freed, and caches created, shrunk, tuned and destroyed. */
  operations = 0;
  /** Allocations that found no memory. */
  refused = 0;
  /** Allocations that may use the reserves, and objects that were given up for others. */
  readonly reserves = { critical: 0, shrunk: 0 };
  /** Statistics of caches that this task has destroyed. */
  readonly destroyed: StatisticsTally;

  constructor(options: DriverOptions) {
    this.kernel = options.kernel;
    this.destroyed = new StatisticsTally(systemOf(this.kernel).observer.statNames);
    this.sysfs = new SlabSysfs(systemOf(options.kernel));
    this.failsFrom = options.failsFrom;
    this.control = options.control;
    this.ledger = options.ledger;
    this.task = options.task;
    this.tasks = options.tasks;
    this.nodes = systemOf(options.kernel).machine.options.nodes;
    this.random = options.random;
    this.caches = options.caches;
    const { memory } = systemOf(this.kernel);
    this.typesafe = this.caches.filter(
      (cache) => (memory.readOnce(cache + KmemCacheBase.flags) & SLAB_TYPESAFE_BY_RCU) !== 0,
    );
  }

  private begin(operation: number, argument: number): Address {
    // However many interrupts come, the operation that they interrupt stays in the log.
    if (this.inInterrupt) {
      if (this.logged % LOG_ENTRIES === this.own) this.logged++;
      return this.control.beginInInterrupt(this.task, this.logged++, operation, argument);
    }
    this.own = this.logged % LOG_ENTRIES;
    return this.control.begin(this.task, this.logged++, operation, argument);
  }

  /** What an interrupt allocates is charged to no group, whatever it has interrupted. */
  unaccounted(act: () => void): void {
    const { groups } = systemOf(this.kernel).common;
    if (groups === undefined) act();
    else groups.unaccounted(act);
  }

  private end(entry: Address, object: Address): void {
    this.control.end(entry, object);
    this.operations++;
  }

  private received(entry: Address, object: Address): Address {
    this.end(entry, object);
    if (object === 0) this.refused++;
    else this.paint(object);
    return object;
  }

  private paint(object: Address): void {
    if (this.ledger === undefined) return;
    this.ledger.paint(object, Math.min(systemOf(this.kernel).viewableBytes(object), PAINTED_BYTES));
  }

  private verify(object: Address): void {
    if (this.ledger === undefined) return;
    this.ledger.verify(
      object,
      Math.min(systemOf(this.kernel).viewableBytes(object), PAINTED_BYTES),
    );
  }

  kmalloc(size: number, gfp = GFP_KERNEL, node = NUMA_NO_NODE): Address {
    const entry = this.begin(KMALLOC, size);
    return this.received(entry, this.kernel.kmallocNode(size, gfp, node));
  }

  /** Frees an object of any cache. */
  kfree(object: Address): void {
    this.kfreeLogged(this.begin(KFREE, object), object);
  }

  private kfreeLogged(entry: Address, object: Address): void {
    this.verify(object);
    this.kernel.kfree(object);
    this.end(entry, object);
  }

  alloc(cache: Address, gfp = GFP_KERNEL, node = NUMA_NO_NODE): Address {
    const entry = this.begin(CACHE_ALLOC, cache);
    return this.received(entry, this.kernel.kmemCacheAllocNode(cache, gfp, node));
  }

  free(cache: Address, object: Address): void {
    const entry = this.begin(CACHE_FREE, cache);
    this.verify(object);
    this.kernel.kmemCacheFree(cache, object);
    this.end(entry, object);
  }

  /** `count` objects at once, or none. */
  allocBulk(cache: Address, count: number): Address[] {
    const objects: Address[] = [];
    const entry = this.begin(ALLOC_BULK, count);
    const got = this.kernel.kmemCacheAllocBulk(cache, count, objects);
    this.end(entry, got);
    this.operations += Math.max(0, got - 1);
    if (got === 0) return [];
    for (const object of objects) this.paint(object);
    return objects;
  }

  /** Gives objects back, of any caches or, if one is given, of that one. Uses `objects` up. */
  freeBulk(objects: Address[], cache = 0): void {
    const entry = this.begin(FREE_BULK, objects.length);
    for (const object of objects) this.verify(object);
    this.operations += objects.length - 1;
    this.kernel.kmemCacheFreeBulk(cache, objects.length, objects);
    this.end(entry, 0);
  }

  // ---- what SLUB with sheaves has besides ----

  /** Whether sheaves can be prefilled, and nolock calls are there. */
  get hasSheaves(): boolean {
    return systemOf(this.kernel).allocator.sheafCalls !== undefined;
  }

  /** Any object goes back once no reader can have it any more. */
  kfreeRcu(object: Address): void {
    const entry = this.begin(KFREE_RCU, object);
    this.verify(object);
    this.kernel.kfreeRcu(object);
    this.end(entry, object);
  }

  kmallocNolock(size: number): Address {
    const entry = this.begin(KMALLOC_NOLOCK, size);
    return this.received(entry, this.kernel.kmallocNolock(size));
  }

  kfreeNolock(object: Address): void {
    const entry = this.begin(KFREE_NOLOCK, object);
    this.verify(object);
    this.kernel.kfreeNolock(object);
    this.end(entry, object);
  }

  prefillSheaf(cache: Address, size: number): Address {
    const entry = this.begin(PREFILL_SHEAF, size);
    const sheaf = this.kernel.kmemCachePrefillSheaf(cache, size);
    this.end(entry, sheaf);
    if (sheaf === 0) this.refused++;
    return sheaf;
  }

  /** 0: the sheaf is empty. */
  allocFromSheaf(cache: Address, sheaf: Address): Address {
    const entry = this.begin(ALLOC_FROM_SHEAF, cache);
    const object = this.kernel.allocFromSheaf(cache, sheaf);
    this.end(entry, object);
    if (object !== 0) this.paint(object);
    return object;
  }

  /** The sheaf that the task has from now on. */
  refillSheaf(cache: Address, sheaf: Address, size: number): Address {
    const entry = this.begin(REFILL_SHEAF, size);
    const refilled = this.kernel.refillSheaf(cache, sheaf, size);
    this.end(entry, refilled);
    if (refilled === 0) this.refused++;
    return refilled === 0 ? sheaf : refilled;
  }

  returnSheaf(cache: Address, sheaf: Address): void {
    const entry = this.begin(RETURN_SHEAF, cache);
    this.kernel.returnSheaf(cache, sheaf);
    this.end(entry, sheaf);
  }

  create(name: string, size: number, flags = 0): Address {
    const entry = this.begin(CACHE_CREATE, size);
    const sheafCapacity = sheafCapacityFor(systemOf(this.kernel).common.kernel);
    const cache = this.kernel.kmemCacheCreate(CACHE_PREFIX + name, size, { flags, sheafCapacity });
    this.end(entry, cache);
    if (cache === 0) this.refused++;
    return cache;
  }

  shrink(cache: Address): void {
    const entry = this.begin(CACHE_SHRINK, cache);
    this.kernel.kmemCacheShrink(cache);
    this.end(entry, cache);
  }

  /** Other queue sizes for a SLAB cache; false where caches have no queues. */
  writeSlabinfo(cache: Address, limit: number, batchcount: number, shared: number): boolean {
    const { kernel } = this;
    const entry = this.begin(SLABINFO_WRITE, cache);
    const error = kernel.run(() =>
      systemOf(kernel).allocator.tune(cache, limit, batchcount, shared),
    );
    this.end(entry, cache);
    return error !== -EIO;
  }

  /** Writes a file of /sys/kernel/slab/<cache>/, where the allocator has it. */
  storeSysfs(cache: Address, file: string, value: string): void {
    const { kernel, sysfs } = this;
    const entry = this.begin(SYSFS_STORE, cache);
    kernel.run(() => sysfs.write(systemOf(kernel).common.nameOf(cache), file, value));
    this.end(entry, cache);
  }

  // ---- readers ----

  /**
   * Looks, in one read-side section, at an object that another task is to free: it is in its mailbox,
   * which it leaves before it is freed. If it is type-safe its slab must stay until the section ends.
   */
  lookAround(): void {
    const { kernel, control, random, task, tasks } = this;
    const from = random.below(tasks);
    if (from === task) return;
    const slot = random.below(MAILBOX_SLOTS);
    const entry = this.begin(RCU_READ, from);
    kernel.run(() => {
      const system = systemOf(kernel);
      system.rcuReadLock();
      const object = control.peek(from, slot);
      const isTypesafe = object !== 0 && this.typesafe.includes(this.cacheOf(object));
      // Still there, so the answer was that of a slab in use.
      if (isTypesafe && control.peek(from, slot) === object) this.checkStays(object);
      system.rcuReadUnlock();
    });
    this.end(entry, 0);
  }

  private cacheOf(object: Address): Address {
    const { memory, pages } = systemOf(this.kernel);
    return memory.readRacy(pages.virtToHeadPage(object) + Page.slabCache);
  }

  private checkStays(object: Address): void {
    const { memory, pages } = systemOf(this.kernel);
    const page = pages.virtToHeadPage(object);
    for (let look = 0; look < LOOKS; look++) {
      if ((memory.readRacy(page + Page.flags) & PG_SLAB) !== 0) continue;
      throw new KernelBug(
        "use-after-free",
        `the slab of object 0x${object.toString(16)} was given back under its reader`,
      );
    }
  }

  // ---- memory ----

  /** The `nth` allocation of pages from now on fails, whosever it is. */
  failPages(nth: number): void {
    if (this.failsFrom === undefined) return;
    faultsOf(systemOf(this.kernel).pages)?.arm({
      times: 1,
      interval: nth,
      minOrder: this.failsFrom,
      verbose: 0,
    });
  }

  /** An object of zeroes. */
  allocZeroed(cache: Address): Address {
    const entry = this.begin(CACHE_ALLOC, cache);
    const object = this.kernel.kmemCacheAlloc(cache, GFP_KERNEL | __GFP_ZERO);
    if (object !== 0) this.checkZero(object);
    return this.received(entry, object);
  }

  private checkZero(object: Address): void {
    const { memory } = systemOf(this.kernel);
    const other = memory.findOther(
      object,
      0,
      Math.min(systemOf(this.kernel).viewableBytes(object), PAINTED_BYTES),
    );
    if (other === 0) return;
    throw new KernelBug(
      "poison",
      `object 0x${object.toString(16)} is not zero at ${other - object}`,
    );
  }

  /** Single pages, all of which come before the first goes back. */
  pagesThereAndBack(count: number): void {
    const { kernel } = this;
    const entry = this.begin(ALLOC_PAGES, count);
    kernel.run(() => {
      const { pages } = systemOf(kernel);
      const taken = Array.from({ length: count }, () =>
        pages.allocPages(GFP_KERNEL, 0, NUMA_NO_NODE),
      );
      for (const page of taken) if (page !== 0) pages.freePages(page, 0);
    });
    this.end(entry, 0);
  }

  /** Destroys a cache of which nothing is held. */
  destroy(cache: Address): void {
    const entry = this.begin(CACHE_DESTROY, cache);
    this.destroyed.readLast(this.kernel, cache);
    this.kernel.kmemCacheDestroy(cache);
    this.end(entry, cache);
  }

  /** Hands an object to another task, which is to free it; false if its mailbox is full. */
  send(to: number, object: Address): boolean {
    return this.control.send(to, this.random.below(MAILBOX_SLOTS), object);
  }

  /** Frees what other tasks have sent here. */
  emptyMailbox(): void {
    for (let slot = 0; slot < MAILBOX_SLOTS; slot++) {
      const object = this.control.peek(this.task, slot);
      if (object === 0) continue;
      // Entered in the log before it leaves the mailbox, so one of the two always has it.
      const entry = this.begin(KFREE, object);
      this.control.receive(this.task, slot);
      this.kfreeLogged(entry, object);
    }
  }
}
