// SPDX-License-Identifier: GPL-2.0-only
/**
 * The audit of memory groups: each counts exactly what is charged to it, and references are as many as
 * there are reasons for one. The machine is quiet; works may wait, and then references are not counted.
 */
import type { ObjectHolders } from "../caches/audit-findings.ts";
import { KfenceMeta } from "../caches/kfence/pool.ts";
import type { KmemCachePtr } from "../caches/kmem-cache.ts";
import { KmemCacheBase } from "../caches/kmem-cache.ts";
import { ChildCaches, MemcgCacheParams } from "../caches/memcg/child-caches.ts";
import { type Groups, MemCgroup, type MemCgroupPtr } from "../caches/memcg/groups.ts";
import { ENTRY_BYTES, ObjCgroup, ObjCgroups } from "../caches/memcg/obj-cgroups.ts";
import { allocatedBlocks } from "../kernel/allocated-blocks.ts";
import type { System } from "../kernel/system.ts";
import { hex } from "../machine/hex.ts";
import { PAGE_SIZE } from "../machine/machine.ts";
import type { Address } from "../machine/memory.ts";
import { Page, type PagePtr, PG_SLAB } from "../pages/page.ts";
import type { SlabsByCache } from "./blocks.ts";
import type { Findings } from "./findings.ts";

interface Walk {
  readonly system: System;
  readonly findings: Findings;
  readonly slabs: SlabsByCache;
  /** With holders: only objects that are held are charged. */
  readonly holders: ObjectHolders | undefined;
}

/** Sums by address. */
class Tally extends Map<Address, number> {
  count(at: Address, n: number): void {
    this.set(at, this.of(at) + n);
  }

  of(at: Address): number {
    return this.get(at) ?? 0;
  }
}

export function auditGroups(walk: Walk): void {
  const { groups } = walk.system.common;
  if (groups instanceof ChildCaches) auditChildCaches(walk, groups);
  if (groups instanceof ObjCgroups) auditObjCgroups(walk, groups);
}

/** Whole pages that are charged, by whom they are charged to. */
function chargedBlocks({ system }: Walk): Tally {
  const { memory } = system;
  const charged = new Tally();
  for (const page of allocatedBlocks(system)) {
    if ((memory.read32(page + Page.flags) & PG_SLAB) !== 0) continue;
    const owner = memory.read32(page + Page.memcgData);
    if (owner !== 0) charged.count(owner, system.pages.blockBytes(page) / PAGE_SIZE);
  }
  return charged;
}

function auditChildCaches(walk: Walk, groups: ChildCaches): void {
  const { system, findings, slabs } = walk;
  const { memory, common } = system;
  const own = chargedBlocks(walk);
  for (const [s, pages] of slabs) {
    const group = groups.memcgOf(s);
    if (group === 0) continue;
    for (const page of pages) own.count(group, 1 << memory.read32(page + Page.order));
    const root = groups.rootOf(s);
    if (!slabs.has(root)) {
      findings.add(
        "use-after-free",
        `${common.nameOf(s)} is of a cache that is gone: ${hex(root)}`,
      );
    } else if (!childrenListed(system, groups, root).includes(s)) {
      findings.add("list-corruption", `${common.nameOf(s)} is not on the list of its root`);
    }
    if (!groups.all().includes(group)) {
      findings.add("use-after-free", `${common.nameOf(s)} is of a group that is gone`);
    }
  }
  compareCounts(walk, groups, own);
  if (groups.works.areUnderWay) return;
  for (const group of groups.all()) {
    compare(walk, `references to group ${groups.nameOf(group)}`, {
      counted: memory.read32(group + MemCgroup.refs),
      found: own.of(group) + referencesOf(groups, group, memory.read32(group + MemCgroup.refs)),
    });
  }
}

/** Besides pages: its own while it is online, and one of each group below it. */
function referencesOf(groups: Groups, group: MemCgroupPtr, refs: number): number {
  if (refs === 0) return 0;
  const below = groups.all().filter((other) => groups.parentOf(other) === group).length;
  return below + (groups.isOnline(group) ? 1 : 0);
}

function childrenListed(
  { memory }: System,
  groups: ChildCaches,
  root: KmemCachePtr,
): KmemCachePtr[] {
  const head = memory.read32(root + KmemCacheBase.memcgParams) + MemcgCacheParams.children;
  const children = groups.childrenOf(root);
  const entries = new Set<Address>();
  for (let at = memory.read32(head); at !== head && !entries.has(at); at = memory.read32(at)) {
    entries.add(at);
  }
  return children.filter((child) =>
    entries.has(memory.read32(child + KmemCacheBase.memcgParams) + MemcgCacheParams.children),
  );
}

function auditObjCgroups(walk: Walk, groups: ObjCgroups): void {
  const { system, findings } = walk;
  const { memory, machine } = system;
  const blocks = chargedBlocks(walk);
  const bytes = new Tally();
  const references = new Tally();
  for (const [s, pages] of walk.slabs) {
    const size = memory.read32(s + KmemCacheBase.size) + ENTRY_BYTES;
    for (const objcg of pages.flatMap((page) => ownersIn(walk, groups, s, page))) {
      bytes.count(objcg, size);
      references.count(objcg, 1);
    }
  }
  for (const meta of system.common.kfence?.pool.metasInOrder() ?? []) {
    const objcg = memory.read32(meta + KfenceMeta.objExts);
    if (objcg === 0) continue;
    const s = memory.read32(meta + KfenceMeta.cache);
    bytes.count(objcg, memory.read32(s + KmemCacheBase.size) + ENTRY_BYTES);
    references.count(objcg, 1);
  }
  for (const page of allocatedBlocks(system)) {
    if ((memory.read32(page + Page.flags) & PG_SLAB) !== 0) continue;
    const objcg = memory.read32(page + Page.memcgData);
    if (objcg !== 0) references.count(objcg, 1);
  }
  for (let cpu = 0; cpu < machine.options.cpus; cpu++) {
    const stock = groups.stockOf(cpu);
    if (stock.objcg === 0) continue;
    bytes.count(stock.objcg, stock.bytes);
    references.count(stock.objcg, 1);
  }
  const own = new Tally();
  for (const objcg of groups.allObjcgs()) {
    const charged = bytes.of(objcg) + memory.read32(objcg + ObjCgroup.nrChargedBytes);
    if (charged % PAGE_SIZE !== 0) {
      findings.add("counter-drift", `objcg ${hex(objcg)} has ${charged} bytes, no whole pages`);
    }
    const group = memory.read32(objcg + ObjCgroup.memcg);
    if (group !== 0) own.count(group, Math.ceil(charged / PAGE_SIZE) + blocks.of(objcg));
    compare(walk, `references to objcg ${hex(objcg)}`, {
      counted: memory.read32(objcg + ObjCgroup.refcnt),
      found: references.of(objcg) + (groups.isLive(objcg) ? 1 : 0),
    });
  }
  const known = new Set(groups.allObjcgs());
  for (const objcg of references.keys()) {
    // Objects of a group without one above it keep what they refer to, which nobody lists.
    if (known.has(objcg) || memory.read32(objcg + ObjCgroup.memcg) === 0) continue;
    findings.add("use-after-free", `an object is charged to ${hex(objcg)}, which is no group's`);
  }
  compareCounts(walk, groups, own);
}

/** Who is charged for the objects of a slab. */
function ownersIn(
  { system, findings, holders }: Walk,
  groups: ObjCgroups,
  s: KmemCachePtr,
  page: PagePtr,
): Address[] {
  const vector = groups.vectorOf(page);
  if (vector === 0) return [];
  const entries = Array.from({ length: system.allocator.objsPerSlab(s, page) }, (_, i) =>
    system.memory.read32(vector + i * groups.strideOf(page)),
  );
  const objects = system.observer.objectsOfSlab(s, page);
  const stray = objects.find((object) => {
    const index = system.allocator.objToIndex(s, page, object);
    return entries[index] !== 0 && holders?.isLive(object) === false;
  });
  if (stray !== undefined) {
    findings.add("counter-drift", `object ${hex(stray)} is charged to a group, but nobody has it`);
  }
  return entries.filter((objcg) => objcg !== 0);
}

/** `own`: pages charged to each group itself. A group that is not freed counts those below it as well. */
function compareCounts(walk: Walk, groups: Groups, own: Tally): void {
  const all = new Tally();
  for (const [group, pages] of own) {
    for (let at = group; at !== 0; at = groups.parentOf(at)) all.count(at, pages);
  }
  for (const group of groups.all().filter((each) => groups.isCounting(each))) {
    compare(walk, `usage of group ${groups.nameOf(group)}`, {
      counted: groups.counts(group).usage,
      found: all.of(group),
    });
  }
}

function compare(
  { findings }: Walk,
  what: string,
  { counted, found }: { counted: number; found: number },
): void {
  if (counted === found) return;
  const message = `${what} is ${counted}, found ${found}`;
  if (findings.remains?.explains(message, found - counted, [])) return;
  findings.add("counter-drift", message);
}
