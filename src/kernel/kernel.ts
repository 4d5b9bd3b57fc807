// SPDX-License-Identifier: GPL-2.0-only
/// <reference lib="esnext.disposable" preserve="true" />
/**
 * The library: boot a system in shared memory, attach threads to it, allocate and free.
 *
 *     const kernel = boot({ cpus: 4, memory: 64 * MIB });      // one thread
 *     const kernel = attach(shared);                            // each of the others
 *     const object = kernel.kmalloc(100);  …  kernel.kfree(object);
 *
 * A thread runs as a CPU while it is inside `run`, or inside a call. In between it keeps that CPU
 * until another thread needs it. `kernel.shared` may be posted to any worker.
 */

import { parseBootParameters } from "../caches/boot-parameters.ts";
import type { KmemCachePtr } from "../caches/kmem-cache.ts";
import type { ConsoleSink } from "../machine/console.ts";
import { TASK_NUMBERS } from "../machine/cpus.ts";
import type { DirectMemory } from "../machine/direct-memory.ts";
import { KernelBug } from "../machine/kernel-bug.ts";
import {
  createMachine,
  directMemory,
  type MemoryClass,
  type SharedMachine,
  TasksTaken,
} from "../machine/machine.ts";
import type { Address } from "../machine/memory.ts";
import type { Tenancy } from "../machine/tenancy.ts";
import { NUMA_NO_NODE } from "../machine/topology.ts";
import { javaScriptWitness } from "../machine/witness.ts";
import { __GFP_WAIT, __GFP_ZERO, GFP_KERNEL } from "../pages/gfp.ts";
import type { Policies } from "../pages/policies.ts";
import { policiesOf } from "../pages/with-policies.ts";
import { bootClasses } from "./boot-classes.ts";
import { type BootOptions, bootOptionsOf } from "./boot-options.ts";
import { buryTask, generationOf } from "./burial.ts";
import type { Change } from "./classes.ts";
import { KernelDebug } from "./debug.ts";
import { type CacheOptions, System } from "./system.ts";

/** A task is told as its number, plus this for each thread that has had the number before. */
const TASK_NUMBERS_ROOM = 256;

export { MIB } from "../machine/units.ts";

/** What threads agree on; plain data. */
export interface SharedKernel {
  readonly machine: SharedMachine;
  readonly options: Required<BootOptions>;
}

/** How a thread sees the kernel differently from the others. */
export interface ThreadBuild {
  readonly memoryClass?: MemoryClass;
  readonly change?: Change;
  /** Hears what the machine prints on this thread, from boot on. */
  readonly console?: ConsoleSink;
}

/**
 * Makes a machine, boots an allocator on it and attaches the calling thread.
 * @throws RangeError with the reason where the options cannot be met.
 */
export function boot(options: BootOptions = {}, build: ThreadBuild = {}): Kernel {
  const all = bootOptionsOf(options);
  const { cpus, nodes, memory, tasks, checker, seed } = all;
  const atomics = all.swap === "atomics" ? "atomics" : "wasm";
  const machine = createMachine({ cpus, nodes, memory, tasks, checker, atomics, seed });
  const kernel = new Kernel({ machine, options: all }, build);
  kernel.run(() => {
    systemOf(kernel).boot(all.absentNodes);
    if (all.failSlab !== null) kernel.debug.failSlab?.arm(all.failSlab);
    if (all.failPages !== null) kernel.debug.failPages?.arm(all.failPages);
  });
  return kernel;
}

/**
 * Attaches the calling thread to a booted kernel. Where all task numbers are taken it looks for
 * threads that have ended without a word. @throws RangeError when no task number is free.
 */
export function attach(shared: SharedKernel, build: ThreadBuild = {}): Kernel {
  const kernel = attachAtAll(shared, build);
  threadOf(kernel).tenancy.stand();
  return kernel;
}

function attachAtAll(shared: SharedKernel, build: ThreadBuild): Kernel {
  try {
    return new Kernel(shared, build);
  } catch (error) {
    if (!(error instanceof TasksTaken)) throw error;
  }
  const undertaker = new Kernel(shared, build, true);
  threadOf(undertaker).buryTheDead();
  undertaker.detach();
  return new Kernel(shared, build);
}

/** A task of which nothing in this thread is left has been forgotten without `detach`. */
const forgotten = /* @__PURE__ */ new FinalizationRegistry<Tenancy>((tenancy) => tenancy.end());

/** For what stands above the library in this tree: everything below, put together. */
export let systemOf: (kernel: Kernel) => System;
/** Likewise: this thread's memory, with its task. */
export let threadOf: (kernel: Kernel) => DirectMemory;

export class Kernel {
  declare private readonly sharing: SharedKernel;
  /** Reports, the console, injected faults: what a program may ask about its bugs. */
  declare readonly debug: KernelDebug;
  /** This thread's memory policy, and the nodes it is confined to; undefined unless booted with `policies`. */
  declare readonly policies: Policies | undefined;
  declare private readonly system: System;
  declare private readonly direct: DirectMemory;

  static {
    systemOf = (kernel) => kernel.system;
    threadOf = (kernel) => kernel.direct;
  }

  constructor(shared: SharedKernel, build: ThreadBuild, isUndertaker = false) {
    const { options } = shared;
    const { kernel, config } = options;
    const parameters = parseBootParameters(kernel, options.parameters);
    const classes = bootClasses(options, build);
    const direct = directMemory(shared.machine, build.memoryClass, isUndertaker);
    let system: System;
    try {
      system = new System(direct, shared.machine.options, { kernel, parameters, config, classes });
    } catch (error) {
      direct.retire();
      throw error;
    }
    forgotten.register(direct, direct.tenancy);
    system.machine.serve(direct);
    system.machine.witness = javaScriptWitness;
    system.machine.console.sink = build.console;
    direct.onDeath = (task) => buryTask(system, direct, task);
    this.sharing = shared;
    this.direct = direct;
    this.system = system;
    this.policies = policiesOf(system.pages);
    this.policies?.begin();
    this.debug = new KernelDebug(system, (act) => this.run(act));
  }

  /** Plain data, which may be posted to any worker: what `attach` takes. */
  get shared(): SharedKernel {
    // Others may attach from here on, and have to see whether this thread is still there.
    this.direct.tenancy.stand();
    return this.sharing;
  }

  /** This thread's task, as `bury` takes it: a parent is told it, to bury the thread with. */
  get task(): number {
    const { task, generation } = this.direct.tenancy;
    return generation * TASK_NUMBERS_ROOM + task;
  }

  /**
   * Takes back the CPU and the number of a task whose thread has ended without `detach`; what it has
   * allocated stays allocated. Returns what it held in the middle of a change, a line each, which stays
   * held: nothing, usually. Of a task that is gone already: nothing.
   * @throws KernelBug for this thread, and for one that is known to be alive
   */
  bury(task: number): string[] {
    const { direct, system } = this;
    direct.checkAttached();
    const number = task % TASK_NUMBERS_ROOM;
    if (!Number.isInteger(task) || task < 0 || number >= TASK_NUMBERS) {
      throw new RangeError(`there is no task ${task}: a thread's own is its kernel.task`);
    }
    if (task === this.task) throw new KernelBug("bad-access", "bury: a thread cannot bury itself");
    if (generationOf(system, number) !== Math.floor(task / TASK_NUMBERS_ROOM)) return [];
    if (direct.isAlive(number)) {
      throw new KernelBug(
        "bad-access",
        `bury: task ${task} is alive; only a thread that has ended is buried`,
      );
    }
    return buryTask(system, direct, number);
  }

  /**
   * Runs `section` as a CPU: that one, or any free one. Waits for it while others run there. Inside
   * of a section it only does what was asked of this CPU meanwhile, and goes on.
   * @throws RangeError where the machine has no such CPU.
   */
  run<T>(section: () => T, cpu = -1, patience?: number): T {
    const { direct } = this;
    if (cpu !== -1) this.checkCpu(cpu);
    if (direct.onCpu) {
      direct.poll();
      return section();
    }
    if (cpu !== -1 || !direct.resumeCpu()) direct.enterCpu(cpu, patience);
    try {
      const result = section();
      direct.poll();
      return result;
    } catch (error) {
      direct.oops();
      throw error;
    } finally {
      direct.restCpu();
    }
  }

  private checkCpu(cpu: number): void {
    const { cpus } = this.system.machine.options;
    if (Number.isInteger(cpu) && cpu >= 0 && cpu < cpus) return;
    throw new RangeError(`there is no CPU ${cpu}: this machine has ${cpus}, numbered from 0`);
  }

  /**
   * `run` for what waits until readers are done.
   * @throws KernelBug inside of a read-side section, which would be over for everybody.
   */
  private runUnlessReading<T>(call: string, act: () => T): T {
    if (this.direct.isReading) {
      throw new KernelBug("deadlock", `${call} in a read-side section, which it would wait for`);
    }
    return this.run(act);
  }

  // Each call looks at one word: inside of a section, with nobody asking for this CPU, it is the
  // allocator's. Outside of one the CPU that the thread has kept is entered and left, which takes a
  // few more words. Everything else goes through `run`. Each in a method of its own, since a closure
  // would cost the faster ones its allocation.

  /** kmalloc: `size` bytes, or 0. kmalloc(0) is ZERO_SIZE_PTR, which only kfree accepts. */
  kmalloc(size: number, gfp = GFP_KERNEL): Address {
    return this.kmallocNode(size, gfp, NUMA_NO_NODE);
  }

  /** The same, zeroed. */
  kzalloc(size: number, gfp = GFP_KERNEL): Address {
    return this.kmallocNode(size, gfp | __GFP_ZERO, NUMA_NO_NODE);
  }

  /** kmalloc_node: of that memory node where it has any left; of no other with __GFP_THISNODE. */
  kmallocNode(size: number, gfp: number, node: number): Address {
    if (this.direct.undisturbed()) return this.system.kmallocNode(size, gfp, node);
    return this.kmallocOutside(size, gfp, node);
  }

  private kmallocOutside(size: number, gfp: number, node: number): Address {
    const { direct } = this;
    if (!direct.resumeCpu()) return this.runKmalloc(size, gfp, node);
    let object: Address;
    try {
      object = this.system.kmallocNode(size, gfp, node);
    } catch (error) {
      direct.oops();
      direct.restCpu();
      throw error;
    }
    direct.restCpu();
    return object;
  }

  private runKmalloc(size: number, gfp: number, node: number): Address {
    if (!this.mayBegin(gfp)) return 0;
    return this.run(() => this.system.kmallocNode(size, gfp, node));
  }

  /** An allocation that may not wait fails rather than wait for a CPU. */
  private mayBegin(gfp: number): boolean {
    return (gfp & __GFP_WAIT) !== 0 || this.direct.findCpu();
  }

  /** kfree: gives anything back that kmalloc, or any cache, has given. @throws KernelBug for anything else. */
  kfree(object: Address): void {
    if (this.direct.undisturbed()) this.system.kfree(object);
    else this.kfreeOutside(object);
  }

  private kfreeOutside(object: Address): void {
    const { direct } = this;
    if (!direct.resumeCpu()) {
      this.runKfree(object);
      return;
    }
    try {
      this.system.kfree(object);
    } catch (error) {
      direct.oops();
      direct.restCpu();
      throw error;
    }
    direct.restCpu();
  }

  private runKfree(object: Address): void {
    this.run(() => this.system.kfree(object));
  }

  /** kmem_cache_alloc: an object of the cache, or 0. */
  kmemCacheAlloc(s: KmemCachePtr, gfp = GFP_KERNEL): Address {
    return this.kmemCacheAllocNode(s, gfp, NUMA_NO_NODE);
  }

  /** The same, zeroed. */
  kmemCacheZalloc(s: KmemCachePtr, gfp = GFP_KERNEL): Address {
    return this.kmemCacheAllocNode(s, gfp | __GFP_ZERO, NUMA_NO_NODE);
  }

  /** kmem_cache_alloc_node: of that memory node where it has any left; of no other with __GFP_THISNODE. */
  kmemCacheAllocNode(s: KmemCachePtr, gfp: number, node: number): Address {
    if (this.direct.undisturbed()) return this.system.kmemCacheAllocNode(s, gfp, node);
    return this.allocOutside(s, gfp, node);
  }

  private allocOutside(s: KmemCachePtr, gfp: number, node: number): Address {
    const { direct } = this;
    if (!direct.resumeCpu()) return this.runAlloc(s, gfp, node);
    let object: Address;
    try {
      object = this.system.kmemCacheAllocNode(s, gfp, node);
    } catch (error) {
      direct.oops();
      direct.restCpu();
      throw error;
    }
    direct.restCpu();
    return object;
  }

  private runAlloc(s: KmemCachePtr, gfp: number, node: number): Address {
    if (!this.mayBegin(gfp)) return 0;
    return this.run(() => this.system.kmemCacheAllocNode(s, gfp, node));
  }

  /** kmem_cache_free. @throws KernelBug for an object of another cache. */
  kmemCacheFree(s: KmemCachePtr, object: Address): void {
    if (this.direct.undisturbed()) this.system.kmemCacheFree(s, object);
    else this.freeOutside(s, object);
  }

  private freeOutside(s: KmemCachePtr, object: Address): void {
    const { direct } = this;
    if (!direct.resumeCpu()) {
      this.runFree(s, object);
      return;
    }
    try {
      this.system.kmemCacheFree(s, object);
    } catch (error) {
      direct.oops();
      direct.restCpu();
      throw error;
    }
    direct.restCpu();
  }

  private runFree(s: KmemCachePtr, object: Address): void {
    this.run(() => this.system.kmemCacheFree(s, object));
  }

  /** kmalloc_trace: an object of a given cache, of which only `size` bytes are asked for. */
  kmallocTrace(s: KmemCachePtr, size: number, gfp = GFP_KERNEL, node = NUMA_NO_NODE): Address {
    return this.run(() => this.system.kmallocTrace(s, size, gfp, node));
  }

  /** ksize: bytes that may be used, at least what was asked for. */
  ksize(object: Address): number {
    return this.system.ksize(object);
  }

  /** kmem_cache_size: bytes of an object of the cache. */
  kmemCacheSize(s: KmemCachePtr): number {
    return this.system.kmemCacheSize(s);
  }

  /** Numbers of the CPUs that are online. */
  onlineCpus(): number[] {
    return this.system.onlineCpus();
  }

  /** krealloc: keeps what fits; size 0 frees. 0 where there is no memory, and `object` is kept. */
  krealloc(object: Address, size: number, gfp = GFP_KERNEL): Address {
    return this.run(() => this.system.krealloc(object, size, gfp));
  }

  /** kmem_cache_create: a cache, or 0 without memory. May share one that fits, as the kernel merges caches. */
  kmemCacheCreate(name: string, size: number, options: CacheOptions = {}): KmemCachePtr {
    return this.run(() => this.system.kmemCacheCreate(name, size, options));
  }

  /** kmem_cache_alloc_bulk: `size` objects into p, or 0 and none. */
  kmemCacheAllocBulk(s: KmemCachePtr, size: number, p: Address[], gfp = GFP_KERNEL): number {
    return this.run(() => this.system.kmemCacheAllocBulk(s, size, p, gfp));
  }

  /** kmem_cache_free_bulk; with s = 0 each object goes to its own cache. */
  kmemCacheFreeBulk(s: KmemCachePtr, size: number, p: Address[]): void {
    this.run(() => this.system.kmemCacheFreeBulk(s, size, p));
  }

  // ---- sheaves of callers, and calls from any context; a kernel before 7.1 throws RangeError ----

  /**
   * kmem_cache_prefill_sheaf: a sheaf with at least `size` objects, for allocations that must neither
   * fail nor wait later; 0 without memory. It is the caller's until `returnSheaf`.
   * @throws KernelBug for a size that no sheaf can have
   */
  kmemCachePrefillSheaf(s: KmemCachePtr, size: number, gfp = GFP_KERNEL): Address {
    return this.run(() => this.system.kmemCachePrefillSheaf(s, size, gfp));
  }

  /** kmem_cache_alloc_from_sheaf: an object of a prefilled sheaf; 0 where none is left. */
  allocFromSheaf(s: KmemCachePtr, sheaf: Address, gfp = GFP_KERNEL): Address {
    return this.run(() => this.system.allocFromSheaf(s, sheaf, gfp));
  }

  /**
   * kmem_cache_refill_sheaf: the sheaf with at least `size` objects again, or another one in its place,
   * which the caller has from then on; 0 without memory, and the sheaf stays the caller's as it was.
   */
  refillSheaf(s: KmemCachePtr, sheaf: Address, size: number, gfp = GFP_KERNEL): Address {
    return this.run(() => this.system.refillSheaf(s, sheaf, size, gfp));
  }

  /**
   * kmem_cache_return_sheaf: the sheaf goes back with the objects that are left in it.
   * @throws KernelBug for what is no prefilled sheaf of this cache, or was returned before
   */
  returnSheaf(s: KmemCachePtr, sheaf: Address, gfp = GFP_KERNEL): void {
    this.run(() => this.system.returnSheaf(s, sheaf, gfp));
  }

  /** kmalloc_nolock: at most 8 KiB from any context; 0 where a lock would have to be waited for. */
  kmallocNolock(size: number, gfp = 0, node = NUMA_NO_NODE): Address {
    return this.run(() => this.system.kmallocNolock(size, gfp, node));
  }

  /** kfree_nolock: gives an object of any cache back, from any context; at once or a little later. */
  kfreeNolock(object: Address): void {
    this.run(() => this.system.kfreeNolock(object));
  }

  /** kmem_cache_shrink: gives empty slabs back; not 0 if slabs remain. */
  kmemCacheShrink(s: KmemCachePtr): number {
    return this.run(() => this.system.kmemCacheShrink(s));
  }

  /** kmem_cache_destroy: 0, or a negative error number where objects remain. Waits for readers. */
  kmemCacheDestroy(s: KmemCachePtr): number {
    return this.runUnlessReading("kmem_cache_destroy", () => this.system.kmemCacheDestroy(s));
  }

  /** cpu_down: nobody runs as `cpu` from here on. 0, -EBUSY for the last CPU, -EINVAL. May wait. */
  cpuDown(cpu: number): number {
    return this.runUnlessReading("cpu_down", () => this.system.cpuDown(cpu));
  }

  /** cpu_up: 0, -EINVAL if it is online, -ENOMEM. */
  cpuUp(cpu: number): number {
    return this.run(() => this.system.cpuUp(cpu));
  }

  /** offline_pages for all memory of a node: 0, -EBUSY while pages are in use, -EINVAL. May wait. */
  nodeOffline(nid: number): number {
    return this.runUnlessReading("offline_pages", () => this.system.nodeOffline(nid));
  }

  /** online_pages: the node's memory can be had. 0, -EINVAL, -ENOMEM. */
  nodeOnline(nid: number): number {
    return this.run(() => this.system.nodeOnline(nid));
  }

  /** kfree_rcu: gives the object back when every reader that may have found it is done. */
  kfreeRcu(object: Address): void {
    this.run(() => this.system.kfreeRcu(object));
  }

  /** rcu_read_lock. @throws KernelBug outside of `run`: a reader is a CPU, and stays that CPU. */
  rcuReadLock(): void {
    if (!this.direct.onCpu) {
      throw new KernelBug(
        "bad-access",
        "rcu_read_lock outside of a section: use it inside of run()",
      );
    }
    this.system.rcuReadLock();
  }

  /** rcu_read_unlock. @throws KernelBug where no read-side section is open. */
  rcuReadUnlock(): void {
    if (!this.direct.isReading) {
      throw new KernelBug("lock-not-held", "rcu_read_unlock without rcu_read_lock");
    }
    this.system.rcuReadUnlock();
  }

  /** synchronize_rcu: returns when every read-side section that began before is over. */
  synchronizeRcu(): void {
    this.runUnlessReading("synchronize_rcu", () => this.system.synchronizeRcu());
  }

  /** rcu_barrier and kvfree_rcu_barrier: every callback queued before has run, and kfreeRcu has freed. */
  rcuBarrier(): void {
    this.runUnlessReading("rcu_barrier", () => this.system.rcuBarrier());
  }

  // ---- what a program does with objects; a view that leaves its object raises KernelBug ----

  /** The first `length` bytes of an object (all that may be used, if left out), as bytes. */
  view8(object: Address, length = this.ksize(object)): Uint8Array<SharedArrayBuffer> {
    this.system.checkHeapObject(object, length);
    return this.direct.view8(object, length);
  }

  /** The same as words of 32 bits; what Atomics works on. Bytes that fill no word are left out. */
  view32(object: Address, length = this.ksize(object)): Int32Array<SharedArrayBuffer> {
    this.system.checkHeapObject(object, length);
    return this.direct.view32(object, length >> 2);
  }

  /** The same as floating-point numbers of 64 bits. */
  viewFloat64(object: Address, length = this.ksize(object)): Float64Array<SharedArrayBuffer> {
    this.system.checkHeapObject(object, length);
    return this.direct.viewFloat64(object, length >> 3);
  }

  /**
   * Registers a constructor, called with each new object of a cache made with `ctor: number`. Every
   * thread registers the same ones in the same order, right after it has booted or attached.
   */
  registerConstructor(construct: (object: Address) => void): number {
    return this.system.machine.functions.register(construct);
  }

  /**
   * Gives the CPU and the task number back: every later call throws. May be called again.
   * @throws KernelBug inside of `run`: its CPU would be nobody's.
   */
  detach(): void {
    if (this.direct.onCpu) throw new KernelBug("bad-access", "detach inside of run()");
    this.direct.retire();
  }

  /** `using kernel = attach(shared)` detaches at the end of the block. */
  [Symbol.dispose](): void {
    this.detach();
  }
}
