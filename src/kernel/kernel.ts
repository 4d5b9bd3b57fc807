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
import { KmemCacheBase, type KmemCachePtr, LIVE_CACHE } from "../caches/kmem-cache.ts";
import type { ConsoleSink } from "../machine/console.ts";
import { TASK_NUMBERS } from "../machine/cpus.ts";
import type { DirectMemory } from "../machine/direct-memory.ts";
import { writeHeader } from "../machine/header.ts";
import { KernelBug } from "../machine/kernel-bug.ts";
import { createMachine, directMemory, type MemoryClass, TasksTaken } from "../machine/machine.ts";
import type { Address } from "../machine/memory.ts";
import { checkedOptions, NUMBER, named, whole } from "../machine/option-check.ts";
import type { Tenancy } from "../machine/tenancy.ts";
import { NUMA_NO_NODE } from "../machine/topology.ts";
import { MIB } from "../machine/units.ts";
import { textOfUtf8, utf8Of } from "../machine/utf8.ts";
import { isViewClass, type ViewClass } from "../machine/views.ts";
import { javaScriptWitness } from "../machine/witness.ts";
import { __GFP_WAIT, __GFP_ZERO, GFP_KERNEL } from "../pages/gfp.ts";
import type { Policies } from "../pages/policies.ts";
import type { Reserves } from "../pages/reserves.ts";
import { policiesOf } from "../pages/with-policies.ts";
import { reservesOf } from "../pages/with-reserves.ts";
import { Afterwards } from "./afterwards.ts";
import { Arguments, checkFunction, refuse } from "./arguments.ts";
import { bootClasses } from "./boot-classes.ts";
import { type BootOptions, bootOptionsOf, givenMemory, growthOf } from "./boot-options.ts";
import { buryTask, generationOf, mutexesOf } from "./burial.ts";
import type { Change } from "./classes.ts";
import { Constructors } from "./constructors.ts";
import { KernelDebug } from "./debug.ts";
import { Group, type GroupOptions } from "./group.ts";
import { GroupSystem, groupsOf } from "./group-system.ts";
import { growing } from "./growing-system.ts";
import { withKasanCalls } from "./kasan-system.ts";
import { withKfenceCalls } from "./kfence-system.ts";
import { withKmemcheckCalls } from "./kmemcheck-system.ts";
import { ObjectViews } from "./object-views.ts";
import { type Attachable, bootedIn, machineOptions, type SharedKernel } from "./shared-kernel.ts";
import { guardShrinker } from "./shrinkers.ts";
import { type CacheOptions, System } from "./system.ts";
import { type Leak, leaksOf, type Usage, usageOf } from "./usage.ts";

/** A task is told as its number, plus this for each thread that has had the number before. */
const TASK_NUMBERS_ROOM = 256;

export { MIB } from "../machine/units.ts";

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
  const machine = createMachine(machineOptions(all), givenMemory(options));
  const kernel = new Kernel({ machine, options: all }, build);
  kernel.run(() => {
    const { nodes } = growthOf(all);
    const later = Array.from({ length: nodes }, (_, i) => all.nodes + i);
    systemOf(kernel).boot([...all.absentNodes, ...later]);
    kernel.debug.kmemleak?.clear();
    if (all.failSlab !== null) kernel.debug.failSlab?.arm(all.failSlab);
    if (all.failPages !== null) kernel.debug.failPages?.arm(all.failPages);
  });
  writeHeader(machine.memory, all.offset, JSON.stringify(all));
  return kernel;
}

/**
 * Attaches the calling thread to a booted kernel. Where all task numbers are taken it looks for
 * threads that have ended without a word.
 * @throws RangeError where there is none, one of another version, or no free task number.
 */
export function attach(shared: Attachable, build: ThreadBuild = {}): Kernel {
  const kernel = attachAtAll(bootedIn(shared), build);
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
  threadOf(undertaker).tenancy.stand();
  threadOf(undertaker).buryTheDeadAtOnce();
  undertaker.detach();
  return new Kernel(shared, build);
}

/** A task of which nothing in this thread is left has been forgotten without `detach`. */
const forgotten = /* @__PURE__ */ new FinalizationRegistry<Tenancy>((tenancy) => tenancy.end());

/** For what stands above the library in this tree: everything below, put together. */
export let systemOf: (kernel: Kernel) => System;
/** Likewise: this thread's memory, with its task. */
export let threadOf: (kernel: Kernel) => DirectMemory;

// Local names: see machine/inlining.ts.
const CACHE_MAGIC = KmemCacheBase.magic;
const LIVE = LIVE_CACHE;
const NO_NODE = NUMA_NO_NODE;

/** An unsigned int of struct kmem_cache_args. */
const UINT = whole(0, 2 ** 32 - 1);

const CACHE_OPTIONS = {
  align: NUMBER,
  flags: whole(-(2 ** 31), 2 ** 32 - 1),
  ctor: NUMBER,
  useroffset: UINT,
  usersize: UINT,
  freeptrOffset: UINT,
  sheafCapacity: whole(0, 2 ** 24),
};

export class Kernel {
  declare private readonly sharing: SharedKernel;
  /** Reports, the console, injected faults: what a program may ask about its bugs. */
  declare readonly debug: KernelDebug;
  /** This thread's memory policy, and the nodes it is confined to; undefined unless booted with `policies`. */
  declare readonly policies: Policies | undefined;
  /** This thread's access to the last pages, and its shrinkers; undefined unless booted with `reserves`. */
  declare readonly reserves: Reserves | undefined;
  declare private readonly system: System;
  declare private readonly direct: DirectMemory;
  declare private readonly args: Arguments;
  declare private readonly afterwards: Afterwards;
  declare private readonly constructors: Constructors;
  declare private readonly views: ObjectViews;
  /** What a bulk call copies objects to; undefined: one is under way, or none has been. */
  private spare: Address[] | undefined;

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
      const Plain = options.groups ? GroupSystem : System;
      const grows = options.maximum > options.memory;
      const Growing = grows ? growing(Plain, () => !direct.isReading) : Plain;
      const Checked = options.kasan === false ? Growing : withKasanCalls(Growing);
      const Guarded = options.kfence === false ? Checked : withKfenceCalls(Checked);
      const BuiltSystem = options.kmemcheck === false ? Guarded : withKmemcheckCalls(Guarded);
      const all = { kernel, parameters, config, classes };
      system = new BuiltSystem(direct, shared.machine.options, all);
    } catch (error) {
      direct.retire();
      throw error;
    }
    forgotten.register(direct, direct.tenancy);
    system.machine.serve(direct);
    system.machine.witness = javaScriptWitness;
    if (system.common.kasan !== undefined) {
      system.common.kasan.reports.isFatal = options.kasan === "panic";
    }
    if (system.common.kmemcheck !== undefined) {
      system.common.kmemcheck.isFatal = options.kmemcheck === "panic";
    }
    system.machine.console.sink = build.console;
    // So that the next call looks at it.
    const { groups } = system.common;
    if (groups !== undefined) groups.works.onQueued = () => direct.kick(direct.smpProcessorId());
    direct.onDeath = (task) => buryTask(system, direct, task);
    this.sharing = shared;
    this.direct = direct;
    this.system = system;
    this.args = new Arguments(system);
    this.afterwards = new Afterwards();
    this.constructors = new Constructors(system.machine.functions, direct, this.afterwards);
    this.views = new ObjectViews(system, direct, this.args);
    this.debug = new KernelDebug({
      system,
      direct,
      args: this.args,
      afterwards: this.afterwards,
      call: (name, act) => this.call(name, act),
    });
    this.policies = policiesOf(system.pages);
    this.policies?.begin();
    this.reserves = reservesOf(system.pages);
    this.reserves?.noreclaimRestore(0);
    if (this.reserves !== undefined) this.reserves.guard = guardShrinker;
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
    const number = Number.isInteger(task) ? task % TASK_NUMBERS_ROOM : -1;
    if (number < 0 || number >= TASK_NUMBERS) {
      throw new RangeError(`there is no task ${named(task)}: a thread's own is its kernel.task`);
    }
    if (task === this.task) throw new KernelBug("bad-access", "bury: a thread cannot bury itself");
    if (generationOf(system, number) !== Math.floor(task / TASK_NUMBERS_ROOM)) return [];
    if (direct.isAlive(number)) {
      throw new KernelBug(
        "bad-access",
        `bury: task ${task} is alive; only a thread that has ended is buried`,
      );
    }
    const held = buryTask(system, direct, number);
    this.afterwards.callSinks();
    return held;
  }

  /**
   * Runs `section` as a CPU: that one, or any free one. Waits for it while others run there. Inside
   * of a section it only does what was asked of this CPU meanwhile, and goes on. `patience`: ms that it
   * waits for a CPU at most.
   * @throws RangeError where the machine has no such CPU; KernelBug for an async function, which would
   * go on when its section is over.
   */
  run<T>(section: () => T, cpu = -1, patience?: number): T {
    checkFunction("run", "a section", section);
    if (patience !== undefined && !(typeof patience === "number" && patience >= 0)) {
      refuse("run", `${named(patience)} is no number of ms to wait`);
    }
    if (this.constructors.isRunning) this.mayCall("run");
    let result: T;
    try {
      result = this.runSection(section, cpu, patience);
    } finally {
      this.afterwards.callSinks();
    }
    if (result instanceof Promise) refuse("run", "a section must not return a promise");
    return result;
  }

  private runSection<T>(section: () => T, cpu: number, patience: number | undefined): T {
    const { direct } = this;
    if (cpu !== -1) this.checkCpu(cpu);
    if (direct.onCpu) {
      direct.poll();
      this.work();
      return section();
    }
    if (cpu !== -1 || !direct.resumeCpu()) direct.enterCpu(cpu, patience);
    try {
      const result = section();
      if (direct.isReading) refuse("run", "the section ended in a read-side section");
      direct.poll();
      this.work();
      return result;
    } catch (error) {
      this.oops();
      throw error;
    } finally {
      direct.restCpu();
    }
  }

  /** An error leaves a section. What waits for a mutex that it leaves behind ends at once. */
  private oops(): void {
    const { direct, system } = this;
    if (mutexesOf(system, direct.current()).length > 0) direct.panic();
    direct.oops();
  }

  /** What memory groups have left to be done, between two calls of a program that may sleep. */
  private work(): void {
    const { groups } = this.system.common;
    if (groups === undefined || this.direct.isReading || this.direct.irqsDisabled()) return;
    groups.work();
  }

  private checkCpu(cpu: number): void {
    const { cpus } = this.system.machine.options;
    if (Number.isInteger(cpu) && cpu >= 0 && cpu < cpus) return;
    throw new RangeError(
      `there is no CPU ${named(cpu)}: this machine has ${cpus}, numbered from 0`,
    );
  }

  /**
   * `run` for what waits until readers are done.
   * @throws KernelBug inside of a read-side section, which would be over for everybody.
   */
  private callUnlessReading<T>(call: string, act: () => T): T {
    if (this.direct.isReading) {
      throw new KernelBug("deadlock", `${call} in a read-side section, which it would wait for`);
    }
    return this.call(call, act);
  }

  /** `run` for one call of the allocator. */
  private call<T>(call: string, act: () => T): T {
    this.mayCall(call);
    return this.run(act);
  }

  /** @throws KernelBug inside of a constructor, and when the machine has panicked. */
  private mayCall(call: string): void {
    if (this.constructors.isRunning)
      refuse(call, "a constructor may do nothing but write its object");
    this.direct.checkPanic();
    this.afterwards.forget();
    this.direct.shut(this.debug.isWatched);
  }

  /** The end of a call that asks for memory. @throws what the constructor has failed with */
  private got<T extends number>(memory: T): T {
    if (memory === 0) this.afterwards.throwError();
    return memory;
  }

  // Each call looks at one word: inside of a section, with nobody asking for this CPU, it is the
  // allocator's. Outside of one the CPU that the thread has kept is entered and left, which takes a
  // few more words. Everything else goes through `run`. Each in a method of its own, since a closure
  // would cost the faster ones its allocation.

  /** kmalloc: `size` bytes, or 0. kmalloc(0) is ZERO_SIZE_PTR, which only kfree accepts. */
  kmalloc(size: number, gfp = GFP_KERNEL): Address {
    const isOpen = typeof gfp === "number" && this.direct.isOpen();
    if (isOpen) return this.system.kmallocNode(size, gfp, NUMA_NO_NODE);
    return this.kmallocOutside(size, gfp, NUMA_NO_NODE);
  }

  /** The same, zeroed. */
  kzalloc(size: number, gfp = GFP_KERNEL): Address {
    this.args.gfp("kmalloc", gfp);
    return this.kmalloc(size, gfp | __GFP_ZERO);
  }

  /**
   * kmalloc, at a multiple of `align`: a power of two up to 4 MiB. kfree gives it back; krealloc may
   * move it to where it is not aligned.
   */
  kmallocAligned(size: number, align: number, gfp = GFP_KERNEL): Address {
    this.args.count("kmallocAligned", "bytes", size);
    this.args.gfp("kmallocAligned", gfp);
    if (!Number.isInteger(align) || align < 1 || align > 4 * MIB || (align & (align - 1)) !== 0) {
      refuse("kmallocAligned", `${named(align)} is no power of two up to 4 MiB`);
    }
    return this.call("kmallocAligned", () => this.system.kmallocAligned(size, align, gfp));
  }

  /** kmalloc_node: of that memory node where it has any left; of no other with __GFP_THISNODE. */
  kmallocNode(size: number, gfp: number, node: number): Address {
    this.args.gfp("kmalloc", gfp);
    this.args.node("kmalloc", node);
    if (this.direct.isOpen()) return this.system.kmallocNode(size, gfp, node);
    return this.kmallocOutside(size, gfp, node);
  }

  private kmallocOutside(size: number, gfp: number, node: number): Address {
    const { direct } = this;
    if (typeof gfp !== "number") this.args.gfp("kmalloc", gfp);
    if (!direct.resumeCpu()) return this.slowKmalloc(size, gfp, node);
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

  private slowKmalloc(size: number, gfp: number, node: number): Address {
    this.mayCall("kmalloc");
    return this.runKmalloc(size, gfp, node);
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
    if (this.direct.isOpen()) this.system.kfree(object);
    else this.kfreeOutside(object);
  }

  private kfreeOutside(object: Address): void {
    const { direct } = this;
    if (!direct.resumeCpu()) {
      this.slowKfree(object);
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

  private slowKfree(object: Address): void {
    this.call("kfree", () => this.system.kfree(object));
  }

  /** kmem_cache_alloc: an object of the cache, or 0. */
  kmemCacheAlloc(s: KmemCachePtr, gfp = GFP_KERNEL): Address {
    const { direct } = this;
    const isLive = (direct.read32(s + CACHE_MAGIC) ^ LIVE) === s;
    if (!isLive || !direct.isOpen()) return this.allocChecked(s, gfp);
    return this.system.kmemCacheAllocNode(s, gfp | 0, NO_NODE) || this.got(0);
  }

  /** The same, zeroed. */
  kmemCacheZalloc(s: KmemCachePtr, gfp = GFP_KERNEL): Address {
    this.args.gfp("kmem_cache_alloc", gfp);
    return this.kmemCacheAlloc(s, gfp | __GFP_ZERO);
  }

  /** kmem_cache_alloc_node: of that memory node where it has any left; of no other with __GFP_THISNODE. */
  kmemCacheAllocNode(s: KmemCachePtr, gfp: number, node: number): Address {
    this.args.cache("kmem_cache_alloc", s);
    this.args.gfp("kmem_cache_alloc", gfp);
    this.args.node("kmem_cache_alloc", node);
    if (!this.direct.isOpen()) return this.allocOutside(s, gfp, node);
    return this.system.kmemCacheAllocNode(s, gfp, node) || this.got(0);
  }

  private allocChecked(s: KmemCachePtr, gfp: number): Address {
    if ((this.direct.read32(s + CACHE_MAGIC) ^ LIVE) !== s) this.args.cache("kmem_cache_alloc", s);
    return this.allocOutside(s, gfp | 0, NO_NODE);
  }

  private allocOutside(s: KmemCachePtr, gfp: number, node: number): Address {
    const { direct } = this;
    if (!direct.resumeCpu()) return this.slowAlloc(s, gfp, node);
    let object: Address;
    try {
      object = this.system.kmemCacheAllocNode(s, gfp, node);
    } catch (error) {
      direct.oops();
      direct.restCpu();
      throw error;
    }
    direct.restCpu();
    return object || this.got(0);
  }

  private slowAlloc(s: KmemCachePtr, gfp: number, node: number): Address {
    this.mayCall("kmem_cache_alloc");
    return this.got(this.runAlloc(s, gfp, node));
  }

  private runAlloc(s: KmemCachePtr, gfp: number, node: number): Address {
    if (!this.mayBegin(gfp)) return 0;
    return this.run(() => this.system.kmemCacheAllocNode(s, gfp, node));
  }

  /** kmem_cache_free. @throws KernelBug for an object of another cache. */
  kmemCacheFree(s: KmemCachePtr, object: Address): void {
    if (this.direct.isOpen()) this.system.kmemCacheFree(s, object);
    else this.freeOutside(s, object);
  }

  private freeOutside(s: KmemCachePtr, object: Address): void {
    const { direct } = this;
    if (!direct.resumeCpu()) {
      this.slowFree(s, object);
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

  private slowFree(s: KmemCachePtr, object: Address): void {
    this.call("kmem_cache_free", () => this.system.kmemCacheFree(s, object));
  }

  /** kmalloc_trace: an object of a given cache, of which only `size` bytes are asked for. */
  kmallocTrace(s: KmemCachePtr, size: number, gfp = GFP_KERNEL, node = NUMA_NO_NODE): Address {
    this.args.cache("kmalloc_trace", s);
    this.args.count("kmalloc_trace", "bytes", size);
    this.args.gfp("kmalloc_trace", gfp);
    this.args.node("kmalloc_trace", node);
    return this.got(this.call("kmalloc_trace", () => this.system.kmallocTrace(s, size, gfp, node)));
  }

  /** ksize: bytes that may be used, at least what was asked for. */
  ksize(object: Address): number {
    this.args.objectOrNull("ksize", object);
    return this.system.ksize(object);
  }

  /** kmem_cache_size: bytes of an object of the cache. */
  kmemCacheSize(s: KmemCachePtr): number {
    this.args.cache("kmem_cache_size", s);
    return this.system.kmemCacheSize(s);
  }

  /** Numbers of the CPUs that are online. */
  onlineCpus(): number[] {
    return this.system.onlineCpus();
  }

  /** krealloc: keeps what fits; size 0 frees. 0 where there is no memory, and `object` is kept. */
  krealloc(object: Address, size: number, gfp = GFP_KERNEL): Address {
    this.args.objectOrNull("krealloc", object);
    if (typeof size !== "number") refuse("krealloc", `${named(size)} is no number of bytes`);
    this.args.gfp("krealloc", gfp);
    return this.call("krealloc", () => this.system.krealloc(object, size, gfp));
  }

  /** kmem_cache_create: a cache, or 0 without memory. May share one that fits, as the kernel merges caches. */
  kmemCacheCreate(name: string, size: number, options: CacheOptions = {}): KmemCachePtr {
    if (typeof name !== "string") refuse("kmem_cache_create", `${named(name)} is no name`);
    if (!Number.isInteger(size)) {
      refuse("kmem_cache_create", `${named(size)} is no number of bytes`);
    }
    const checked = checkedOptions("kmem_cache_create", options, CACHE_OPTIONS);
    const { ctor = 0 } = checked;
    if (ctor !== 0 && !this.constructors.has(ctor)) {
      refuse("kmem_cache_create", `there is no constructor ${ctor}: see registerConstructor`);
    }
    return this.call("kmem_cache_create", () => this.system.kmemCacheCreate(name, size, checked));
  }

  /** kmem_cache_alloc_bulk: `size` objects into p, or 0 and none. */
  kmemCacheAllocBulk(s: KmemCachePtr, size: number, p: Address[], gfp = GFP_KERNEL): number {
    const call = "kmem_cache_alloc_bulk";
    this.args.cache(call, s);
    this.args.array(call, p);
    if (typeof size === "number" && size <= 0) return 0;
    this.args.count(call, "objects", size);
    this.args.arrayFor(call, size, p);
    this.args.gfp(call, gfp);
    const objects = this.takeSpare();
    const count = this.direct.isOpen()
      ? this.system.kmemCacheAllocBulk(s, size, objects, gfp) || this.got(0)
      : this.slowAllocBulk(s, size, objects, gfp);
    try {
      // A setter or a proxy may throw, which must not be in the middle of the allocator.
      for (let i = 0; i < count; i++) p[i] = objects[i] as Address;
    } catch (error) {
      this.kmemCacheFreeBulk(s, count, objects);
      throw error;
    }
    this.spare = objects;
    return count;
  }

  /** For one call alone: constructors and shrinkers, which run within it, may make others. */
  private takeSpare(): Address[] {
    const { spare = [] } = this;
    this.spare = undefined;
    return spare;
  }

  private slowAllocBulk(s: KmemCachePtr, size: number, p: Address[], gfp: number): number {
    return this.got(
      this.call("kmem_cache_alloc_bulk", () => this.system.kmemCacheAllocBulk(s, size, p, gfp)),
    );
  }

  /** kmem_cache_free_bulk; with s = 0 each object goes to its own cache. */
  kmemCacheFreeBulk(s: KmemCachePtr, size: number, p: Address[]): void {
    const call = "kmem_cache_free_bulk";
    if (s !== 0) this.args.cache(call, s);
    this.args.count(call, "objects", size);
    this.args.array(call, p);
    const objects = this.takeSpare();
    this.args.objects(call, s, size, p, objects);
    if (this.direct.isOpen()) this.system.kmemCacheFreeBulk(s, size, objects);
    else this.slowFreeBulk(s, size, objects);
    this.spare = objects;
  }

  private slowFreeBulk(s: KmemCachePtr, size: number, p: Address[]): void {
    this.call("kmem_cache_free_bulk", () => this.system.kmemCacheFreeBulk(s, size, p));
  }

  // ---- sheaves of callers, and calls from any context; a kernel before 7.1 throws RangeError ----

  /**
   * kmem_cache_prefill_sheaf: a sheaf with at least `size` objects, for allocations that must neither
   * fail nor wait later; 0 without memory. It is the caller's until `returnSheaf`.
   * @throws KernelBug for a size that no sheaf can have
   */
  kmemCachePrefillSheaf(s: KmemCachePtr, size: number, gfp = GFP_KERNEL): Address {
    const call = "kmem_cache_prefill_sheaf";
    this.args.cache(call, s);
    this.args.gfp(call, gfp);
    return this.got(this.call(call, () => this.system.kmemCachePrefillSheaf(s, size, gfp)));
  }

  /** kmem_cache_alloc_from_sheaf: an object of a prefilled sheaf; 0 where none is left. */
  allocFromSheaf(s: KmemCachePtr, sheaf: Address, gfp = GFP_KERNEL): Address {
    const call = "kmem_cache_alloc_from_sheaf";
    this.args.sheaf(call, s, sheaf);
    this.args.gfp(call, gfp);
    return this.call(call, () => this.system.allocFromSheaf(s, sheaf, gfp));
  }

  /**
   * kmem_cache_refill_sheaf: the sheaf with at least `size` objects again, or another one in its place,
   * which the caller has from then on; 0 without memory, and the sheaf stays the caller's as it was.
   */
  refillSheaf(s: KmemCachePtr, sheaf: Address, size: number, gfp = GFP_KERNEL): Address {
    const call = "kmem_cache_refill_sheaf";
    this.args.sheaf(call, s, sheaf);
    this.args.gfp(call, gfp);
    return this.got(this.call(call, () => this.system.refillSheaf(s, sheaf, size, gfp)));
  }

  /**
   * kmem_cache_return_sheaf: the sheaf goes back with the objects that are left in it.
   * @throws KernelBug for what is no prefilled sheaf of this cache, or was returned before
   */
  returnSheaf(s: KmemCachePtr, sheaf: Address, gfp = GFP_KERNEL): void {
    const call = "kmem_cache_return_sheaf";
    this.args.sheaf(call, s, sheaf);
    this.args.gfp(call, gfp);
    this.call(call, () => this.system.returnSheaf(s, sheaf, gfp));
  }

  /** kmalloc_nolock: at most 8 KiB from any context; 0 where a lock would have to be waited for. */
  kmallocNolock(size: number, gfp = 0, node = NUMA_NO_NODE): Address {
    if (typeof size !== "number") refuse("kmalloc_nolock", `${named(size)} is no number of bytes`);
    this.args.gfp("kmalloc_nolock", gfp);
    this.args.node("kmalloc_nolock", node);
    return this.call("kmalloc_nolock", () => this.system.kmallocNolock(size, gfp, node));
  }

  /** kfree_nolock: gives an object of any cache back, from any context; at once or a little later. */
  kfreeNolock(object: Address): void {
    this.args.objectOrNull("kfree_nolock", object);
    this.call("kfree_nolock", () => this.system.kfreeNolock(object));
  }

  // ---- memory groups, of a kernel that is booted with `groups: true` ----

  /** A memory group, of which `limit` bytes can be charged. @throws RangeError without memory, or groups */
  group(limit = Number.POSITIVE_INFINITY, options: GroupOptions = {}): Group {
    return Group.made(this, groupsOf(this.system), limit, options);
  }

  /** A group that another thread has made, by its `at`. @throws RangeError where there is none */
  groupAt(at: Address): Group {
    return Group.found(this, groupsOf(this.system), at);
  }

  /**
   * Runs `section` as a CPU and in a group. @throws KernelBug where the group was killed
   */
  runIn<T>(group: Group, section: () => T): T {
    const groups = groupsOf(this.system);
    Group.check("runIn", this, group);
    checkFunction("runIn", "a section", section);
    return this.run(() => {
      const before = groups.current;
      if (!groups.enter(group.at)) throw new KernelBug("bad-access", "the group was killed");
      try {
        return section();
      } finally {
        // Where this section is in one of another group, that may have been killed meanwhile.
        if (!groups.enter(before)) groups.enter(0);
      }
    });
  }

  /** kmem_cache_shrink: gives empty slabs back; not 0 if slabs remain. */
  kmemCacheShrink(s: KmemCachePtr): number {
    this.args.cache("kmem_cache_shrink", s);
    return this.call("kmem_cache_shrink", () => this.system.kmemCacheShrink(s));
  }

  /** kmem_cache_destroy: 0, or a negative error number where objects remain. Waits for readers. */
  kmemCacheDestroy(s: KmemCachePtr): number {
    if (s !== 0) this.args.cache("kmem_cache_destroy", s);
    return this.callUnlessReading("kmem_cache_destroy", () => this.system.kmemCacheDestroy(s));
  }

  /** cpu_down: nobody runs as `cpu` from here on. 0, -EBUSY for the last CPU, -EINVAL. May wait. */
  cpuDown(cpu: number): number {
    return this.callUnlessReading("cpu_down", () => this.system.cpuDown(cpu));
  }

  /** cpu_up: 0, -EINVAL if it is online, -ENOMEM. */
  cpuUp(cpu: number): number {
    return this.call("cpu_up", () => this.system.cpuUp(cpu));
  }

  /** offline_pages for all memory of a node: 0, -EBUSY while pages are in use, -EINVAL. May wait. */
  nodeOffline(nid: number): number {
    return this.callUnlessReading("offline_pages", () => this.system.nodeOffline(nid));
  }

  /** online_pages: the node's memory can be had. 0, -EINVAL, -ENOMEM. */
  nodeOnline(nid: number): number {
    return this.call("online_pages", () => this.system.nodeOnline(nid));
  }

  /**
   * Brings the next part of a memory with a `maximum`: its bytes, or 0 where all of it is there. A call
   * that may sleep does so by itself when there are no pages left. May wait.
   */
  grow(): number {
    return this.callUnlessReading("grow", () => this.system.grow());
  }

  /** kfree_rcu: gives the object back when every reader that may have found it is done. */
  kfreeRcu(object: Address): void {
    this.args.objectOrNull("kfree_rcu", object);
    this.call("kfree_rcu", () => this.system.kfreeRcu(object));
  }

  /** rcu_read_lock. @throws KernelBug outside of `run`: a reader is a CPU, and stays that CPU. */
  rcuReadLock(): void {
    if (this.constructors.isRunning) this.mayCall("rcu_read_lock");
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
    if (this.constructors.isRunning) this.mayCall("rcu_read_unlock");
    if (!this.direct.isReading) {
      throw new KernelBug("lock-not-held", "rcu_read_unlock without rcu_read_lock");
    }
    this.system.rcuReadUnlock();
  }

  /** synchronize_rcu: returns when every read-side section that began before is over. */
  synchronizeRcu(): void {
    this.callUnlessReading("synchronize_rcu", () => this.system.synchronizeRcu());
  }

  /** rcu_barrier and kvfree_rcu_barrier: every callback queued before has run, and kfreeRcu has freed. */
  rcuBarrier(): void {
    this.callUnlessReading("rcu_barrier", () => this.system.rcuBarrier());
  }

  // ---- what a program does with objects; a view that leaves its object raises KernelBug ----

  /**
   * The first `length` bytes of an object (all that may be used, if left out), as a typed array, a
   * DataView, or a struct of defineStruct. Bytes that fill no element are left out. Views are kept: the
   * same question has the same answer, as long as no other object needs its place.
   */
  view<V>(of: ViewClass<V>, object: Address, length?: number): V {
    if (typeof of !== "function" || !isViewClass(of)) {
      refuse("view", `${named(of)} is no typed array, DataView or struct`);
    }
    return this.views.of("view", of, object, length);
  }

  /** The same as bytes. */
  view8(object: Address, length?: number): Uint8Array<SharedArrayBuffer> {
    return this.views.of("view8", Uint8Array<SharedArrayBuffer>, object, length);
  }

  /** The same as words of 32 bits; what Atomics works on. */
  view32(object: Address, length?: number): Int32Array<SharedArrayBuffer> {
    return this.views.of("view32", Int32Array<SharedArrayBuffer>, object, length);
  }

  /** The same as floating-point numbers of 64 bits. */
  viewFloat64(object: Address, length?: number): Float64Array<SharedArrayBuffer> {
    return this.views.of("viewFloat64", Float64Array<SharedArrayBuffer>, object, length);
  }

  /**
   * kstrdup: a copy of the text in memory of its own, as UTF-8 with a NUL at its end; or 0. kfree gives
   * it back.
   */
  kstrdup(text: string, gfp = GFP_KERNEL): Address {
    if (typeof text !== "string") refuse("kstrdup", `${named(text)} is no text`);
    const bytes = utf8Of(text);
    const at = this.kmalloc(bytes.length + 1, gfp);
    if (at === 0) return 0;
    const view = this.view8(at, bytes.length + 1);
    view.set(bytes);
    view[bytes.length] = 0;
    return at;
  }

  /** The text in an object, as UTF-8: up to a NUL, or to the end of the object. */
  readString(object: Address): string {
    const view = this.view8(object);
    const end = view.indexOf(0);
    return textOfUtf8(end < 0 ? view : view.subarray(0, end));
  }

  /** What is in use: bytes, objects, of each cache and at each CPU. */
  usage(): Usage {
    return this.call("usage", () => usageOf(this.system));
  }

  /**
   * The objects in use by where they were allocated, most numerous first: of caches that note their
   * users (SLAB_STORE_USER; all of SLUB's by `parameters: { slub_debug: "U" }`).
   */
  leaks(): Leak[] {
    return this.call("leaks", () => leaksOf(this.system));
  }

  /**
   * Registers a constructor, called with each new object of a cache made with `ctor: number`. Every
   * thread registers the same ones in the same order, right after it has booted or attached.
   */
  registerConstructor(construct: (object: Address) => void): number {
    return this.constructors.register(construct);
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
