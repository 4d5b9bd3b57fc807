/**
 * The library: boot a system in shared memory, attach threads to it, allocate and free.
 *
 *     const kernel = boot({ cpus: 4, memory: 64 * MIB });      // one thread
 *     const kernel = attach(shared);                            // each of the others
 *     const object = kernel.kmalloc(100);  …  kernel.kfree(object);
 *
 * A thread runs as a CPU while it is inside `run`. A call outside of it takes any free CPU for its
 * duration; `run` around many calls saves that. `kernel.shared` may be posted to any worker.
 */

import { type BootParameters, DEFAULT_BOOT_PARAMETERS } from "../caches/boot-parameters.ts";
import { EINVAL } from "../caches/errno.ts";
import { type FaultSettings, faultsOf } from "../caches/fault-injection.ts";
import { ALLOCATORS, type AllocatorName, type BuildOption } from "../caches/flags.ts";
import { ERAS, type Era, KERNEL_VERSIONS, type KernelVersion } from "../caches/kernel-version.ts";
import type { KmemCachePtr } from "../caches/kmem-cache.ts";
import type { LiveObjects } from "../caches/live-objects.ts";
import type { SlabReport } from "../caches/slab-report.ts";
import { MAX_TASKS } from "../machine/cpus.ts";
import type { DirectMemory } from "../machine/direct-memory.ts";
import { KernelBug } from "../machine/kernel-bug.ts";
import {
  createMachine,
  directMemory,
  type MemoryClass,
  type SharedMachine,
} from "../machine/machine.ts";
import type { Address } from "../machine/memory.ts";
import { NUMA_NO_NODE } from "../machine/topology.ts";
import { javaScriptWitness } from "../machine/witness.ts";
import { GFP_KERNEL } from "../pages/gfp.ts";
import { bootClasses } from "./boot-classes.ts";
import type { Change } from "./classes.ts";
import { type CacheOptions, System } from "./system.ts";

export const MIB = 1024 * 1024;

/** How page->freelist and counters are swapped as one. */
export type SwapKind = "wasm" | "atomics" | "slab_lock";

export interface BootOptions {
  /** Simulated CPUs: how many threads allocate at once. 1 to 64. */
  readonly cpus?: number;
  /** Memory nodes, each with its share of CPUs and pages. */
  readonly nodes?: number;
  /** Bytes of memory, at most 2 GiB. */
  readonly memory?: number;
  /** Threads that may attach; more than CPUs if they shall take turns. */
  readonly tasks?: number;
  readonly allocator?: AllocatorName;
  readonly kernel?: KernelVersion;
  readonly parameters?: BootParameters;
  readonly swap?: SwapKind;
  /** `seed`: without the fix for CVE-2022-49700. */
  readonly era?: Era;
  /** Encode free pointers, so that overwritten ones are noticed. */
  readonly hardened?: boolean;
  /** Hand a slab's objects out in random order. */
  readonly randomized?: boolean;
  /** Zero objects and whole pages when they are handed out, or when they come back. */
  readonly initOnAlloc?: boolean;
  readonly initOnFree?: boolean;
  /** Let allocations of objects, or requests for pages, fail on purpose once the machine is up. */
  readonly failSlab?: Partial<FaultSettings> | null;
  readonly failPages?: Partial<FaultSettings> | null;
  /** Build options, as in a .config without CONFIG_: DEBUG_SLAB, SLAB_FREELIST_RANDOM, … */
  readonly config?: readonly BuildOption[];
  readonly seed?: number;
  /** Nodes whose memory is not there at boot: `nodeOnline` brings it, `nodeOffline` takes it away. */
  readonly absentNodes?: readonly number[];
  /** Bytes beyond `memory` for a checker. */
  readonly checker?: number;
}

/** What threads agree on; plain data. */
export interface SharedKernel {
  readonly machine: SharedMachine;
  readonly options: Required<BootOptions>;
}

/** How a thread sees the kernel differently from the others: memory class, exchanged classes. */
export interface ThreadBuild {
  readonly memoryClass?: MemoryClass;
  readonly change?: Change;
}

const DEFAULTS: Required<BootOptions> = {
  cpus: 4,
  nodes: 1,
  memory: 64 * MIB,
  tasks: MAX_TASKS,
  allocator: "slub",
  kernel: "4.1",
  parameters: DEFAULT_BOOT_PARAMETERS,
  swap: "wasm",
  era: "fixed",
  hardened: false,
  randomized: false,
  initOnAlloc: false,
  initOnFree: false,
  failSlab: null,
  failPages: null,
  config: [],
  seed: 1,
  absentNodes: [],
  checker: 0,
};

/**
 * Makes a machine, boots an allocator on it and attaches the calling thread.
 * @throws RangeError with the reason where the options cannot be met.
 */
export function boot(options: BootOptions = {}, build: ThreadBuild = {}): Kernel {
  const all = { ...DEFAULTS, ...options };
  checkBootOptions(all);
  const { cpus, nodes, memory, tasks, checker, seed } = all;
  const atomics = all.swap === "atomics" ? "atomics" : "wasm";
  const machine = createMachine({ cpus, nodes, memory, tasks, checker, atomics, seed });
  const kernel = attach({ machine, options: all }, build);
  kernel.run(() => {
    kernel.boot(all.absentNodes);
    if (all.failSlab !== null) faultsOf(kernel.allocator)?.arm(all.failSlab);
    if (all.failPages !== null) faultsOf(kernel.pages)?.arm(all.failPages);
  });
  return kernel;
}

/** What createMachine does not look at. */
function checkBootOptions(options: Required<BootOptions>): void {
  const choices = {
    allocator: ALLOCATORS,
    kernel: KERNEL_VERSIONS,
    swap: ["wasm", "atomics", "slab_lock"],
    era: ERAS,
  } as const;
  for (const name of Object.keys(choices) as (keyof typeof choices)[]) {
    const allowed: readonly string[] = choices[name];
    if (allowed.includes(options[name])) continue;
    throw new RangeError(`${name} must be one of ${allowed.join(", ")}, not ${options[name]}`);
  }
  const absent = new Set(options.absentNodes);
  for (const nid of absent) {
    if (Number.isInteger(nid) && nid >= 0 && nid < options.nodes) continue;
    throw new RangeError(`absentNodes: there is no node ${nid}`);
  }
  if (absent.size === options.nodes) {
    throw new RangeError("absentNodes: one node's memory must be there");
  }
}

/** Attaches the calling thread to a booted kernel. @throws RangeError when no task number is free. */
export function attach(shared: SharedKernel, build: ThreadBuild = {}): Kernel {
  return new Kernel(shared, build);
}

export class Kernel extends System {
  declare readonly shared: SharedKernel;
  declare private readonly direct: DirectMemory;

  constructor(shared: SharedKernel, build: ThreadBuild) {
    const { options } = shared;
    const classes = bootClasses(options);
    const direct = directMemory(shared.machine, build.memoryClass);
    super(direct, shared.machine.options, {
      kernel: options.kernel,
      parameters: options.parameters,
      config: options.config,
      classes: build.change?.(classes) ?? classes,
    });
    this.machine.serve(direct);
    this.machine.witness = javaScriptWitness;
    this.shared = shared;
    this.direct = direct;
  }

  /** The memory of this thread. */
  get thread(): DirectMemory {
    return this.direct;
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
    direct.enterCpu(cpu, patience);
    try {
      const result = section();
      direct.poll();
      return result;
    } catch (error) {
      direct.oops();
      throw error;
    } finally {
      direct.leaveCpu();
    }
  }

  private checkCpu(cpu: number): void {
    const { cpus } = this.machine.options;
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
  // allocator's. Everything else goes through `run`, in methods of its own, since a closure would
  // cost the fast path its allocation.

  override kmallocNode(size: number, gfp: number, node: number): Address {
    if (this.direct.undisturbed()) return super.kmallocNode(size, gfp, node);
    return this.runKmalloc(size, gfp, node);
  }

  private runKmalloc(size: number, gfp: number, node: number): Address {
    return this.run(() => super.kmallocNode(size, gfp, node));
  }

  override kfree(object: Address): void {
    if (this.direct.undisturbed()) super.kfree(object);
    else this.runKfree(object);
  }

  private runKfree(object: Address): void {
    this.run(() => super.kfree(object));
  }

  override kmemCacheAllocNode(s: KmemCachePtr, gfp: number, node: number): Address {
    if (this.direct.undisturbed()) return this.allocator.slabAllocNode(s, gfp, node);
    return this.runAlloc(s, gfp, node);
  }

  private runAlloc(s: KmemCachePtr, gfp: number, node: number): Address {
    return this.run(() => super.kmemCacheAllocNode(s, gfp, node));
  }

  override kmemCacheFree(s: KmemCachePtr, object: Address): void {
    if (this.direct.undisturbed()) super.kmemCacheFree(s, object);
    else this.runFree(s, object);
  }

  private runFree(s: KmemCachePtr, object: Address): void {
    this.run(() => super.kmemCacheFree(s, object));
  }

  override kmallocTrace(
    s: KmemCachePtr,
    size: number,
    gfp = GFP_KERNEL,
    node = NUMA_NO_NODE,
  ): Address {
    return this.run(() => super.kmallocTrace(s, size, gfp, node));
  }

  override liveObjects(s: KmemCachePtr): LiveObjects[] | undefined {
    return this.run(() => super.liveObjects(s));
  }

  override krealloc(object: Address, size: number, gfp = GFP_KERNEL): Address {
    return this.run(() => super.krealloc(object, size, gfp));
  }

  override kmemCacheCreate(name: string, size: number, options: CacheOptions = {}): KmemCachePtr {
    return this.run(() => super.kmemCacheCreate(name, size, options));
  }

  override kmemCacheAllocBulk(
    s: KmemCachePtr,
    size: number,
    p: Address[],
    gfp = GFP_KERNEL,
  ): number {
    return this.run(() => super.kmemCacheAllocBulk(s, size, p, gfp));
  }

  override kmemCacheFreeBulk(s: KmemCachePtr, size: number, p: Address[]): void {
    this.run(() => super.kmemCacheFreeBulk(s, size, p));
  }

  override kmemCacheShrink(s: KmemCachePtr): number {
    return this.run(() => super.kmemCacheShrink(s));
  }

  override kmemCacheDestroy(s: KmemCachePtr): number {
    return this.runUnlessReading("kmem_cache_destroy", () => super.kmemCacheDestroy(s));
  }

  override cpuDown(cpu: number): number {
    return this.runUnlessReading("cpu_down", () => super.cpuDown(cpu));
  }

  override cpuUp(cpu: number): number {
    return this.run(() => super.cpuUp(cpu));
  }

  override nodeOffline(nid: number): number {
    return this.runUnlessReading("offline_pages", () => super.nodeOffline(nid));
  }

  override nodeOnline(nid: number): number {
    return this.run(() => super.nodeOnline(nid));
  }

  override kfreeRcu(object: Address): void {
    this.run(() => super.kfreeRcu(object));
  }

  /** rcu_read_lock. @throws KernelBug outside of `run`: a reader is a CPU, and stays that CPU. */
  override rcuReadLock(): void {
    if (!this.direct.onCpu) {
      throw new KernelBug(
        "bad-access",
        "rcu_read_lock outside of a section: use it inside of run()",
      );
    }
    super.rcuReadLock();
  }

  /** rcu_read_unlock. @throws KernelBug where no read-side section is open. */
  override rcuReadUnlock(): void {
    if (!this.direct.isReading) {
      throw new KernelBug("lock-not-held", "rcu_read_unlock without rcu_read_lock");
    }
    super.rcuReadUnlock();
  }

  override synchronizeRcu(): void {
    this.runUnlessReading("synchronize_rcu", () => super.synchronizeRcu());
  }

  override rcuBarrier(): void {
    this.runUnlessReading("rcu_barrier", () => super.rcuBarrier());
  }

  // ---- what a program learns of damage ----

  /** Hands each report of damage that this thread finds to `sink`, as data (SLUB). */
  onReport(sink: (report: SlabReport) => void): void {
    this.observer.onReport?.(sink);
  }

  /**
   * Checks all slabs of a debug cache that lie on lists, beside running users (validate_slab_cache);
   * damage goes to the console and to `onReport`. Slabs checked, or -EINVAL for any other cache.
   */
  validate(s: KmemCachePtr): number {
    return this.run(() => this.observer.validate?.(s) ?? -EINVAL);
  }

  // ---- what a program does with objects; a view that leaves its object raises KernelBug ----

  /** The first `length` bytes of an object (all that may be used, if left out), as bytes. */
  view8(object: Address, length = this.ksize(object)): Uint8Array<SharedArrayBuffer> {
    this.checkHeapObject(object, length);
    return this.direct.view8(object, length);
  }

  /** The same as words of 32 bits; what Atomics works on. Bytes that fill no word are left out. */
  view32(object: Address, length = this.ksize(object)): Int32Array<SharedArrayBuffer> {
    this.checkHeapObject(object, length);
    return this.direct.view32(object, length >> 2);
  }

  /** The same as floating-point numbers of 64 bits. */
  viewFloat64(object: Address, length = this.ksize(object)): Float64Array<SharedArrayBuffer> {
    this.checkHeapObject(object, length);
    return this.direct.viewFloat64(object, length >> 3);
  }

  /**
   * Registers a constructor, called with each new object of a cache made with `ctor: number`. Every
   * thread registers the same ones in the same order, right after it has booted or attached.
   */
  registerConstructor(construct: (object: Address) => void): number {
    return this.machine.functions.register(construct);
  }

  /** Gives the task number back. @throws KernelBug inside of `run`: its CPU would be nobody's. */
  detach(): void {
    if (this.direct.onCpu) throw new KernelBug("bad-access", "detach inside of run()");
    this.direct.retire();
  }
}
