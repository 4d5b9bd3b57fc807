// SPDX-License-Identifier: GPL-2.0-only
/**
 * The names under which /sys/kernel/slab shows caches: a directory for each cache, a link for each
 * alias. A cache that nothing may be merged with has its own name; any other is named by what makes
 * caches alike (`:t-0000064`), and its name is a link like those of its aliases. SLUB only.
 *
 * Before sysfs is up (slab_state FULL) aliases are queued, and turned into links then, the last one
 * first. The list is guarded by slab_mutex; each entry is one piece of kmalloc memory.
 */
import { initListHead, listAdd, listDel } from "../machine/list.ts";
import type { Address, Memory } from "../machine/memory.ts";
import { list, ptr, sizeOf, struct, word } from "../machine/struct.ts";
import { readText, textBytes, writeText } from "../machine/text.ts";
import type { CacheRegistry } from "./cache-registry.ts";
import { EEXIST, ENOMEM } from "./errno.ts";
import { type KmemCachePtr, SLAB_STATE } from "./kmem-cache.ts";
import { createUniqueId, slabUnmergeable } from "./merge.ts";

const DIRECTORY = 1;
const LINK = 2;
/** An alias from before sysfs was there (struct saved_alias). */
const QUEUED = 3;

const SysfsNamesHead = struct("slab_kset", { entries: list });
/** The name follows. */
const SysfsEntry = struct("sysfs_entry", {
  entries: list,
  cache: ptr,
  kind: word,
  /** How many are reading or writing one of its files. Atomic. */
  active: word,
});

export interface SysfsName {
  readonly name: string;
  readonly cache: KmemCachePtr;
  readonly isLink: boolean;
}

export class SysfsNames {
  declare private readonly common: CacheRegistry;
  declare private readonly memory: Memory;
  declare private readonly head: Address;

  constructor(common: CacheRegistry) {
    this.common = common;
    this.memory = common.machine.memory;
    this.head = common.machine.statics.allocate(SysfsNamesHead, "slab_kset");
  }

  init(): void {
    initListHead(this.memory, this.head);
  }

  /** slab_sysfs_init: a directory for each cache that exists, then the queued aliases. */
  start(): void {
    for (const s of this.common.caches().reverse()) {
      if (this.add(s) !== 0) this.common.machine.console.printk(this.failure(s));
    }
    for (const entry of this.entries()) {
      if (this.kindOf(entry) !== QUEUED) continue;
      const s = this.memory.read32(entry + SysfsEntry.cache);
      const name = this.textOf(entry);
      this.remove(entry);
      if (this.alias(s, name) !== 0) this.common.machine.console.printk(this.failure(s));
    }
  }

  private failure(s: KmemCachePtr): string {
    return `SLUB: Unable to add boot slab ${this.common.nameOf(s)} to sysfs`;
  }

  /**
   * sysfs_slab_add: 0, -ENOMEM, or -EEXIST where another cache has the directory's name. Nothing to
   * do before sysfs is there.
   */
  add(s: KmemCachePtr): number {
    if (this.common.state !== SLAB_STATE.FULL) return 0;
    const own = this.common.nameOf(s);
    const root = this.common.groups?.rootOf(s) ?? 0;
    if (root !== 0) return this.enter(DIRECTORY, s, `${this.directoryOf(root)}/cgroup/${own}`);
    const alone = slabUnmergeable(this.common.mergeRules, this.common.mergeCandidate(s));
    if (alone) this.removeLink(own);
    const error = this.enter(DIRECTORY, s, alone ? own : this.uniqueId(s));
    if (error !== 0 || alone) return error;
    // A cache without a link of its own name is still a cache.
    this.alias(s, own);
    return 0;
  }

  private directoryOf(s: KmemCachePtr): string {
    return this.names().find(({ cache, isLink }) => cache === s && !isLink)?.name ?? "";
  }

  private uniqueId(s: KmemCachePtr): string {
    const { flags, size } = this.common.mergeCandidate(s);
    return createUniqueId(this.common.kernel, flags, size);
  }

  /** sysfs_slab_alias: `name` leads to the cache, or will. 0 or -ENOMEM. */
  alias(s: KmemCachePtr, name: string): number {
    if (this.common.state !== SLAB_STATE.FULL) return this.enter(QUEUED, s, name);
    this.removeLink(name);
    return this.enter(LINK, s, name);
  }

  /**
   * The cache is going: its names are no longer found. What is returned is for `release`. (The kernel
   * leaves its links dangling until their names are used again.)
   */
  unlistAll(s: KmemCachePtr): Address[] {
    const own = this.entries().filter(
      (entry) => this.memory.read32(entry + SysfsEntry.cache) === s,
    );
    for (const entry of own) listDel(this.memory, entry + SysfsEntry.entries);
    return own;
  }

  /**
   * sysfs_slab_remove: returns when nobody reads or writes a file there. With slab_mutex, which a writer
   * may want, it never would (5413dfba88d2). May sleep.
   */
  release(entries: readonly Address[]): void {
    for (const entry of entries) {
      const active = entry + SysfsEntry.active;
      for (;;) {
        const users = this.memory.loadAcquire(active);
        if (users === 0) break;
        this.memory.waitWhile(active, users);
      }
      this.common.kfree(entry);
    }
  }

  /** kernfs_get_active: the directory or link of that name, whose cache stays until `letGo`; or 0. */
  hold(name: string): Address {
    const isIt = (entry: Address) => this.kindOf(entry) !== QUEUED && this.textOf(entry) === name;
    const entry = this.entries().find(isIt) ?? 0;
    if (entry !== 0) this.memory.add(entry + SysfsEntry.active, 1);
    return entry;
  }

  /** kernfs_put_active */
  letGo(entry: Address): void {
    // Full barrier: who sees that nobody is there sees what they did.
    if (this.memory.add(entry + SysfsEntry.active, -1) !== 1) return;
    this.memory.notify(entry + SysfsEntry.active);
  }

  cacheOf(entry: Address): KmemCachePtr {
    return this.memory.read32(entry + SysfsEntry.cache);
  }

  /**
   * One user of the cache has gone, and `users` are left. The name that it came under is unknown:
   * the newest goes, so that there are never more names than users. (The kernel keeps such
   * links as long as the cache, which for a kmalloc cache is for ever.)
   */
  dropAlias(s: KmemCachePtr, users: number): void {
    const own = this.common.nameOf(s);
    const aliases = this.entries().filter(
      (entry) =>
        this.memory.read32(entry + SysfsEntry.cache) === s &&
        this.kindOf(entry) !== DIRECTORY &&
        this.textOf(entry) !== own,
    );
    for (const entry of aliases.slice(0, Math.max(0, aliases.length - (users - 1)))) {
      this.remove(entry);
    }
  }

  /** Every directory and link, oldest first. Under slab_mutex, or the machine is quiet. */
  names(): SysfsName[] {
    return this.entries()
      .reverse()
      .filter((entry) => this.kindOf(entry) !== QUEUED)
      .map((entry) => ({
        name: this.textOf(entry),
        cache: this.memory.read32(entry + SysfsEntry.cache),
        isLink: this.kindOf(entry) === LINK,
      }));
  }

  private enter(kind: number, s: KmemCachePtr, name: string): number {
    const taken = (entry: Address) => this.kindOf(entry) !== QUEUED && this.textOf(entry) === name;
    if (kind !== QUEUED && this.entries().some(taken)) return -EEXIST;
    const entry = this.common.kmalloc(sizeOf(SysfsEntry) + textBytes(name));
    if (entry === 0) return -ENOMEM;
    this.memory.write32(entry + SysfsEntry.cache, s);
    this.memory.write32(entry + SysfsEntry.kind, kind);
    this.memory.write32(entry + SysfsEntry.active, 0);
    writeText(this.memory, entry + sizeOf(SysfsEntry), name);
    listAdd(this.memory, entry + SysfsEntry.entries, this.head);
    return 0;
  }

  private removeLink(name: string): void {
    for (const entry of this.entries()) {
      if (this.kindOf(entry) === LINK && this.textOf(entry) === name) this.remove(entry);
    }
  }

  private remove(entry: Address): void {
    listDel(this.memory, entry + SysfsEntry.entries);
    this.common.kfree(entry);
  }

  private kindOf(entry: Address): number {
    return this.memory.read32(entry + SysfsEntry.kind);
  }

  private textOf(entry: Address): string {
    return readText(this.memory, entry + sizeOf(SysfsEntry));
  }

  /** Newest first. */
  private entries(): Address[] {
    const found: Address[] = [];
    for (let at = this.memory.read32(this.head); at !== this.head; at = this.memory.read32(at)) {
      found.push(at - SysfsEntry.entries);
    }
    return found;
  }
}
