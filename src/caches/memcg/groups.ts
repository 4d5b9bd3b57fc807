// SPDX-License-Identifier: GPL-2.0-only
/**
 * Memory control groups: each counts the pages that its tasks' objects take, against a limit of its
 * own and those of the groups above it. What is charged when differs by kernel: child-caches.ts,
 * obj-cgroups.ts.
 *
 *     online --kill--> offline --last reference--> freed
 *
 * A task is in one group at a time, or in none, which is the root: nothing counts there. A group that
 * has tasks, or groups below it, cannot be killed. Its counter lives until nothing is charged any more.
 */
import { TASK_NUMBERS } from "../../machine/cpus.ts";
import { initListHead, listAdd, listDel } from "../../machine/list.ts";
import { PAGE_SIZE } from "../../machine/machine.ts";
import type { Address, Memory, Ptr } from "../../machine/memory.ts";
import { Mutex, mutexLock, mutexUnlock } from "../../machine/mutex.ts";
import { RcuHead } from "../../machine/rcu.ts";
import { embed, list, ptr, sizeOf, struct, word } from "../../machine/struct.ts";
import { readText } from "../../machine/text.ts";
import { __GFP_NOACCOUNT, __GFP_NOFAIL } from "../../pages/gfp.ts";
import { Page, type PagePtr } from "../../pages/page.ts";
import { EBUSY } from "../errno.ts";
import type { KmemCachePtr } from "../kmem-cache.ts";
import type { SlabCommon } from "../slab-common.ts";
import { PageCounter, PageCounters } from "./page-counter.ts";
import { Works } from "./works.ts";

export type MemCgroupPtr = Ptr<"mem_cgroup">;

export const MemCgroup = struct("mem_cgroup", {
  kmem: embed(PageCounter),
  parent: ptr,
  name: ptr,
  /** css->id, the lowest that was free: names of child caches bear it. */
  id: word,
  /** css->refcnt: one until it is killed, one for each group below, each page, each use. */
  refs: word,
  online: word,
  /** All groups that are not freed, newest first. */
  groups: list,
  freeing: embed(RcuHead),
  /** 4.1: its place in the arrays of child caches; -1: it has none. */
  kmemcgId: word,
  /** Since 5.9: what its objects refer to, and those of dead groups that are now its own. */
  objcg: ptr,
  objcgs: list,
});

const TaskGroup = struct("task_group", {
  group: ptr,
  /** memcg_kmem_skip_account, which may nest: what it allocates now is nobody's. */
  skips: word,
});

const Globals = struct("memcg", { mutex: embed(Mutex, "lock"), groups: list, cacheIds: word });

/** The root has the number 1. */
const FIRST_ID = 2;

export abstract class Groups {
  declare protected readonly common: SlabCommon;
  declare protected readonly memory: Memory;
  declare readonly counters: PageCounters;
  declare readonly works: Works;
  declare protected readonly globals: Address;
  declare private readonly tasks: Address;
  declare private readonly graceIsOver: number;

  constructor(common: SlabCommon) {
    const { machine } = common;
    this.common = common;
    this.memory = machine.memory;
    this.counters = new PageCounters(machine.memory);
    this.globals = machine.statics.allocate(Globals, "memcg");
    this.tasks = machine.statics.words((TASK_NUMBERS * sizeOf(TaskGroup)) / 4, "task groups");
    this.works = new Works(machine);
    const free = machine.functions.register((work) => this.free(work - MemCgroup.freeing));
    this.graceIsOver = machine.functions.register((rcu) => this.works.queue(rcu, free));
  }

  /** What the era adds. */
  protected abstract bring(group: MemCgroupPtr): boolean;
  protected abstract offline(group: MemCgroupPtr): void;
  protected abstract release(group: MemCgroupPtr): void;
  /** A charge of whole pages: who is charged for them, or 0 where nobody is; undefined: it failed. */
  protected abstract chargePages(n: number, gfp: number): Address | undefined;
  protected abstract unchargePages(owner: Address, n: number): void;

  /** A slab of a cache is about to be had. False: its group may not have it. */
  chargeSlab(_s: KmemCachePtr, _order: number): boolean {
    return true;
  }
  /** A slab has been given back. */
  unchargeSlab(_s: KmemCachePtr, _order: number): void {}
  /** A slab has been made, and nobody knows it yet. */
  slabMade(_s: KmemCachePtr, _page: PagePtr): void {}
  /** A slab of which no object is in use is about to be given back. */
  slabGoes(_page: PagePtr): void {}
  /** What an absent CPU had in stock goes back. Interrupts are off. */
  deadCpu(_cpu: number): void {}
  /** An object is about to be free. */
  freed(_s: KmemCachePtr, _page: PagePtr, _object: Address): void {}
  /** An object that was put by is the running task's from now on. */
  chargeGiven(_s: KmemCachePtr, _object: Address, _gfp: number): void {}

  // A cache as a whole; slab_mutex is held.

  /** A new cache, that `root` has for a group or that is no child. False: no memory. */
  init(_s: KmemCachePtr, _root: KmemCachePtr = 0, _group: MemCgroupPtr = 0): boolean {
    return true;
  }
  forget(_s: KmemCachePtr): void {}
  /** The root of a child, else 0. */
  rootOf(_s: KmemCachePtr): KmemCachePtr {
    return 0;
  }
  /** for_each_memcg_cache */
  childrenOf(_s: KmemCachePtr): KmemCachePtr[] {
    return [];
  }

  /** Leaves the list of its root. */
  unlink(_s: KmemCachePtr): void {}
  /** Whether no child may be made of it any more. */
  setDying(_s: KmemCachePtr, _dying: 0 | 1): void {}

  /** A cache may be about to lose its last user: nobody makes a child of it when this returns. May sleep. */
  beforeDestroy(_s: KmemCachePtr): void {}

  /** A file of a cache has been written, by `store`. May sleep. */
  stored(_s: KmemCachePtr, _text: string, _store: (s: KmemCachePtr) => number): void {}

  /** Once, when the caches of the boot are there. */
  boot(): void {
    initListHead(this.memory, this.globals + Globals.groups);
  }

  // ---- groups ----

  /** mem_cgroup_css_alloc and _online: 0 where there is no memory. May sleep. */
  create(name: string, limit: number, parent: MemCgroupPtr = 0): MemCgroupPtr {
    const { memory, common } = this;
    mutexLock(memory, this.mutex);
    const group = common.kmalloc(sizeOf(MemCgroup));
    const text = group === 0 ? 0 : common.kstrdup(name);
    if (text !== 0) {
      memory.fill(group, 0, sizeOf(MemCgroup));
      memory.write32(group + MemCgroup.name, text);
      memory.write32(group + MemCgroup.id, this.lowestFree(MemCgroup.id, FIRST_ID, this.all()));
      memory.write32(group + MemCgroup.parent, parent);
      const above = parent === 0 ? 0 : parent + MemCgroup.kmem;
      memory.write32(group + MemCgroup.kmem + PageCounter.parent, above);
      memory.write32(group + MemCgroup.kmem + PageCounter.limit, limit);
      memory.write32(group + MemCgroup.refs, 1);
      memory.write32(group + MemCgroup.kmemcgId, -1);
    }
    const made = text !== 0 && this.bring(group);
    if (made) {
      if (parent !== 0) memory.add(parent + MemCgroup.refs, 1);
      listAdd(memory, group + MemCgroup.groups, this.globals + Globals.groups);
      memory.storeRelease(group + MemCgroup.online, 1);
    } else {
      common.kfree(text);
      common.kfree(group);
    }
    mutexUnlock(memory, this.mutex);
    return made ? group : 0;
  }

  /** rmdir: 0, or -EBUSY where a task is in the group, or a group below it. May sleep. */
  kill(group: MemCgroupPtr): number {
    const { memory } = this;
    mutexLock(memory, this.mutex);
    const isAbove = (other: MemCgroupPtr): boolean =>
      memory.read32(other + MemCgroup.parent) === group && this.isOnline(other);
    // Full barrier between the word and the look at the tasks; `enter` has them the other way round.
    const dies =
      this.isOnline(group) &&
      !this.all().some(isAbove) &&
      memory.xchg(group + MemCgroup.online, 0) === 1;
    const isEmpty = dies && !this.hasTasks(group);
    if (isEmpty) this.offline(group);
    else if (dies) memory.storeRelease(group + MemCgroup.online, 1);
    mutexUnlock(memory, this.mutex);
    if (!isEmpty) return -EBUSY;
    this.put(group);
    return 0;
  }

  private hasTasks(group: MemCgroupPtr): boolean {
    for (let task = 0; task < TASK_NUMBERS; task++) {
      if (this.memory.loadAcquire(this.task(task) + TaskGroup.group) === group) return true;
    }
    return false;
  }

  /** css_free: nothing refers to the group any more. A work. */
  private free(group: MemCgroupPtr): void {
    const { memory, common } = this;
    this.release(group);
    mutexLock(memory, this.mutex);
    listDel(memory, group + MemCgroup.groups);
    mutexUnlock(memory, this.mutex);
    const parent = memory.read32(group + MemCgroup.parent);
    common.kfree(memory.read32(group + MemCgroup.name));
    common.kfree(group);
    if (parent !== 0) this.put(parent);
  }

  /** All that are not freed, newest first. Under the mutex, or the machine is quiet. */
  all(): MemCgroupPtr[] {
    const head = this.globals + Globals.groups;
    const found: MemCgroupPtr[] = [];
    for (let at = this.memory.read32(head); at !== head; at = this.memory.read32(at)) {
      found.push(at - MemCgroup.groups);
    }
    return found;
  }

  /** Whether a group is there that has not been killed. May sleep. */
  isGroup(at: MemCgroupPtr): boolean {
    mutexLock(this.memory, this.mutex);
    const isThere = this.all().includes(at) && this.isOnline(at);
    mutexUnlock(this.memory, this.mutex);
    return isThere;
  }

  isOnline(group: MemCgroupPtr): boolean {
    return this.memory.loadAcquire(group + MemCgroup.online) !== 0;
  }

  /** 0: none but the root is above it. */
  parentOf(group: MemCgroupPtr): MemCgroupPtr {
    return this.memory.read32(group + MemCgroup.parent);
  }

  /** Whether charges still come to its counter: until it is killed, or as long as it has children. */
  isCounting(group: MemCgroupPtr): boolean {
    return this.isOnline(group);
  }

  nameOf(group: MemCgroupPtr): string {
    return readText(this.memory, this.memory.read32(group + MemCgroup.name));
  }

  protected lowestFree(field: number, from: number, among: readonly MemCgroupPtr[]): number {
    const taken = new Set(among.map((group) => this.memory.read32(group + field)));
    let id = from;
    while (taken.has(id)) id++;
    return id;
  }

  protected get mutex(): Address {
    return this.globals + Globals.mutex;
  }

  /** memcg_nr_cache_ids */
  protected get cacheIds(): Address {
    return this.globals + Globals.cacheIds;
  }

  // ---- references ----

  /** css_tryget_online */
  tryGetOnline(group: MemCgroupPtr): boolean {
    return this.isOnline(group) && this.tryGet(group + MemCgroup.refs);
  }

  /** One more, unless there is none. */
  protected tryGet(refs: Address): boolean {
    for (;;) {
      const count = this.memory.readOnce(refs);
      if (count === 0) return false;
      if (this.memory.cmpxchg(refs, count, count + 1) === count) return true;
    }
  }

  /** css_put_many, in any context: after a grace period a work frees the group. */
  put(group: MemCgroupPtr, n = 1): void {
    if (this.memory.add(group + MemCgroup.refs, -n) !== n) return;
    this.common.machine.rcu.call(group + MemCgroup.freeing, this.graceIsOver);
  }

  // ---- tasks ----

  private task(task: number): Address {
    return this.tasks + task * sizeOf(TaskGroup);
  }

  private get here(): Address {
    return this.task(this.memory.current());
  }

  /** The group of the running task; 0: none. */
  get current(): MemCgroupPtr {
    return this.memory.readOnce(this.here + TaskGroup.group);
  }

  /**
   * The running task is in `group` from here on, 0: in none. False where the group is not online, and
   * the task stays where it was.
   */
  enter(group: MemCgroupPtr): boolean {
    const { memory, here } = this;
    // Full barrier: see kill.
    const before = memory.xchg(here + TaskGroup.group, group);
    if (group === 0 || this.isOnline(group)) return true;
    memory.xchg(here + TaskGroup.group, before);
    return false;
  }

  /** The thread of a task has ended. */
  bury(task: number): void {
    this.memory.writeOnce(this.task(task) + TaskGroup.skips, 0);
    this.memory.storeRelease(this.task(task) + TaskGroup.group, 0);
  }

  /** Does the works that wait, as a kernel thread does. May sleep. */
  work(): void {
    if (this.works.areWaiting) this.unaccounted(() => this.works.run());
  }

  /** flush_workqueue: all that were queued before are done. May sleep. */
  flushWorks(): void {
    while (this.works.areUnderWay) {
      this.work();
      this.works.wait();
    }
  }

  /** The group that an allocation by the running task is charged to; 0: none. */
  protected charged(gfp: number): MemCgroupPtr {
    if ((gfp & (__GFP_NOACCOUNT | __GFP_NOFAIL)) !== 0) return 0;
    const { memory, here } = this;
    const group = memory.readOnce(here + TaskGroup.group);
    return group === 0 || memory.readOnce(here + TaskGroup.skips) !== 0 ? 0 : group;
  }

  /** What `allocate` allocates is nobody's, as in an interrupt. The task stays in its group. */
  unaccounted<T>(allocate: () => T): T {
    this.skip(1);
    const result = allocate();
    this.skip(-1);
    return result;
  }

  private skip(n: number): void {
    const skips = this.here + TaskGroup.skips;
    this.memory.writeOnce(skips, this.memory.readOnce(skips) + n);
  }

  // ---- whole pages ----

  /** __memcg_kmem_charge_page: false where the group may not have them. */
  chargeBlock(page: PagePtr, gfp: number): boolean {
    const owner = this.chargePages(this.pagesOf(page), gfp);
    if (owner !== undefined) this.memory.writeOnce(page + Page.memcgData, owner);
    return owner !== undefined;
  }

  /** __memcg_kmem_uncharge_page: in front of the free; what is charged is counted as soon as it is free. */
  unchargeBlock(page: PagePtr): void {
    const owner = this.memory.readOnce(page + Page.memcgData);
    if (owner === 0) return;
    this.memory.writeOnce(page + Page.memcgData, 0);
    this.unchargePages(owner, this.pagesOf(page));
  }

  private pagesOf(page: PagePtr): number {
    return this.common.pages.blockBytes(page) / PAGE_SIZE;
  }

  // ---- what a group tells ----

  /** Pages: charged now, at most so far, at most allowed; charges that failed. */
  counts(group: MemCgroupPtr): { usage: number; max: number; limit: number; failcnt: number } {
    const read = (field: number): number => this.memory.readOnce(group + MemCgroup.kmem + field);
    return {
      usage: read(PageCounter.count),
      max: read(PageCounter.watermark),
      limit: read(PageCounter.limit),
      failcnt: read(PageCounter.failcnt),
    };
  }

  setLimit(group: MemCgroupPtr, limit: number): number {
    return this.counters.setLimit(group + MemCgroup.kmem, limit);
  }
}
