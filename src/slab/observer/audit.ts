// SPDX-License-Identifier: GPL-2.0-only
/**
 * The audit of SLAB, cache by cache. Each slab must be on the one list that its `active` calls for,
 * and the node's counts must agree. Each object must be in exactly one place: free in its slab's
 * index array, in one queue (a CPU's, a shared or an alien array), or held.
 */

import type { AuditFindings, ObjectHolders } from "../../caches/audit-findings.ts";
import type { KmemCachePtr } from "../../caches/kmem-cache.ts";
import type { Audit } from "../../caches/observer.ts";
import { walkSlabList } from "../../caches/walk-slab-list.ts";
import { hex, hexList } from "../../machine/hex.ts";
import type { Address, Memory } from "../../machine/memory.ts";
import type { PagePtr } from "../../pages/page.ts";
import { OBJ_PFMEMALLOC } from "../array-cache.ts";
import type { Slab } from "../slab.ts";
import {
  AlienCache,
  ArrayCache,
  type ArrayCachePtr,
  entryAt,
  KmemCache,
  KmemCacheNode,
  type KmemCacheNodePtr,
} from "../structs.ts";
import { auditBalances } from "./balances.ts";

/** What the walk over one cache has at hand. */
export interface CacheWalk {
  readonly slab: Slab;
  readonly memory: Memory;
  readonly s: KmemCachePtr;
  readonly name: string;
  readonly num: number;
  readonly findings: AuditFindings;
  readonly holders: ObjectHolders | undefined;
  /** Every slab of the cache, and the lists it was found on. */
  readonly lists: ReadonlyMap<PagePtr, string[]>;
  /** Every buffer found in a queue, and which. */
  readonly queued: Map<Address, string>;
}

/** Audits a cache, of which `slabs` are all slabs there are. */
export function auditSlabCache(
  slab: Slab,
  s: KmemCachePtr,
  slabs: readonly PagePtr[],
  { findings, holders, limited, inTurn, counted }: Audit,
): void {
  const { memory, common, machine } = slab.context;
  const walk: CacheWalk = {
    slab,
    memory,
    s,
    name: common.nameOf(s),
    num: memory.read32(s + KmemCache.num),
    findings,
    holders,
    lists: new Map(slabs.map((page) => [page, []])),
    queued: new Map(),
  };
  const { cpus, nodes } = machine.options;
  const free = Array.from({ length: nodes }, (_, nid) => walkLists(walk, nid));
  for (const page of slabs) claimForTheDead(walk, page);
  for (let nid = 0; nid < nodes; nid++) walkNode(walk, nid, free[nid] ?? 0);
  for (let cpu = 0; cpu < cpus; cpu++) {
    const ac = memory.perCpuPtr(memory.read32(s + KmemCache.cpuSlab), cpu);
    walkQueue(walk, ac, `array of CPU ${cpu}`, machine.topology.cpuToNode(cpu));
  }
  for (const page of slabs) if (!findings.remains?.has(page)) auditOneSlab(walk, page);
  if (limited && inTurn)
    for (let nid = 0; nid < nodes; nid++) checkLimit(walk, nid, free[nid] ?? 0);
  if (counted !== undefined) auditBalances(walk, counted);
}

/** The array of a CPU that is gone is empty: nobody would take its objects out. */
export function auditAbsentCpu(
  { context }: Slab,
  s: KmemCachePtr,
  cpu: number,
  findings: AuditFindings,
): void {
  const { memory, common } = context;
  const ac = memory.perCpuPtr(memory.read32(s + KmemCache.cpuSlab), cpu);
  const avail = memory.read32(ac + ArrayCache.avail);
  if (avail === 0) return;
  const of = `${common.nameOf(s)}: CPU ${cpu} is gone and has`;
  findings.add("lost-object", `${of} ${avail} objects in its array`);
}

// ---- nodes ----

/** How many slabs are on the node's list of free ones, once its lists are walked. */
function walkLists(walk: CacheWalk, nid: number): number {
  const { slab } = walk;
  const n = slab.context.nodeOf(walk.s, nid);
  if (n === 0) return 0;
  const [partial, full, free] = slab.lists.heads(n);
  walkList(walk, partial, "partial", nid);
  walkList(walk, full, "full", nid);
  return walkList(walk, free, "free", nid);
}

/** A slab on no list was in somebody's hands who has died, or is lost. */
function claimForTheDead({ slab, name, findings, lists }: CacheWalk, page: PagePtr): void {
  if (lists.get(page)?.length !== 0) return;
  const order = slab.context.pages.compoundOrder(page);
  findings.remains?.claimBlock(page, order, `slab ${hex(page)} of ${name}, on its way to a list`);
}

function walkNode(walk: CacheWalk, nid: number, free: number): void {
  const { memory, slab, findings, name } = walk;
  const n = slab.context.nodeOf(walk.s, nid);
  if (n === 0) return;
  if (memory.read32(n + KmemCacheNode.listLock) !== 0) {
    findings.add("deadlock", `${name}: list_lock of node ${nid} is held by nobody who runs`, [n]);
  }
  const here = [...walk.lists.keys()].filter(
    (page) => slab.context.pages.pageToNid(page) === nid && !findings.remains?.has(page),
  );
  const freeObjects = here.reduce((sum, page) => sum + walk.num - slab.indexes.active(page), 0);
  compare(walk, n, `total_slabs of node ${nid}`, KmemCacheNode.totalSlabs, here.length);
  compare(walk, n, `free_slabs of node ${nid}`, KmemCacheNode.freeSlabs, free);
  compare(walk, n, `free_objects of node ${nid}`, KmemCacheNode.freeObjects, freeObjects);
  walkNodeQueues(walk, n, nid);
}

function compare(
  walk: CacheWalk,
  n: KmemCacheNodePtr,
  what: string,
  field: number,
  there: number,
): void {
  const counted = walk.memory.read32(n + field);
  if (counted === there) return;
  walk.findings.add("counter-drift", `${walk.name}: ${what} is ${counted}, found ${there}`, [n]);
}

/** A slab that becomes empty is kept only where free objects are within their limit. */
function checkLimit(
  { memory, slab, s, name, num, findings }: CacheWalk,
  nid: number,
  free: number,
): void {
  const n = slab.context.nodeOf(s, nid);
  const limit = n === 0 ? 0 : memory.read32(n + KmemCacheNode.freeLimit);
  if (free * num <= limit) return;
  const has = `node ${nid} keeps ${free} empty slabs`;
  findings.add("leaked-page", `${name}: ${has}, more than its limit of ${limit} free objects`);
}

/** Length of a list; one that has strangers on it is a finding. */
function walkList(walk: CacheWalk, head: Address, kind: string, nid: number): number {
  const { memory, slab, findings } = walk;
  const name = `${walk.name}: ${kind} list of node ${nid}`;
  const list = { memory, pages: slab.context.pages, findings, name, head, nid };
  return walkSlabList(list, (page) => {
    const lists = walk.lists.get(page);
    lists?.push(kind);
    if (lists !== undefined) return true;
    findings.add("use-after-free", `${name} names ${hex(page)}, no slab of this cache`, [page]);
    return false;
  });
}

function walkNodeQueues(walk: CacheWalk, n: KmemCacheNodePtr, nid: number): void {
  const { memory, slab, findings, name } = walk;
  const shared = memory.read32(n + KmemCacheNode.shared);
  if (shared !== 0) walkQueue(walk, shared, `shared array of node ${nid}`, nid);
  const table = memory.read32(n + KmemCacheNode.alien);
  for (let other = 0; table !== 0 && other < slab.context.nodes; other++) {
    const alien = slab.aliens.at(table, other);
    if (alien === 0) continue;
    const what = `alien cache of node ${nid} for node ${other}`;
    if (memory.read32(alien + AlienCache.lock) !== 0) {
      findings.add("deadlock", `${name}: the lock of the ${what} is held by nobody who runs`);
    }
    walkQueue(walk, alien + AlienCache.ac, what, other);
  }
}

// ---- queues ----

/** Enters what a queue holds: buffers of this cache, of that node, each in no other queue. */
function walkQueue(walk: CacheWalk, ac: ArrayCachePtr, what: string, nid: number): void {
  const { memory, slab, name, findings } = walk;
  const { pages } = slab.context;
  const avail = memory.read32(ac + ArrayCache.avail);
  const limit = memory.read32(ac + ArrayCache.limit);
  if (avail < 0 || avail > limit) {
    findings.add("counter-drift", `${name}: ${what} holds ${avail} objects of at most ${limit}`);
  }
  for (let i = 0; i < Math.min(avail, limit); i++) {
    const buffer = memory.read32(entryAt(ac, i)) & ~OBJ_PFMEMALLOC;
    const page = pages.virtAddrValid(buffer) ? pages.virtToHeadPage(buffer) : 0;
    const twice = walk.queued.get(buffer);
    if (!walk.lists.has(page)) {
      findings.add(
        "use-after-free",
        `${name}: ${what} has ${hex(buffer)}, no object of the cache`,
        [buffer],
      );
    } else if (twice !== undefined) {
      findings.add("double-free", `${name}: ${hex(buffer)} is in the ${what} and in the ${twice}`, [
        buffer,
      ]);
    } else if (pages.pageToNid(page) !== nid) {
      findings.add("wrong-slab", `${name}: ${what} has ${hex(buffer)} of another node`, [buffer]);
    }
    walk.queued.set(buffer, what);
  }
}

// ---- slabs ----

function auditOneSlab(walk: CacheWalk, page: PagePtr): void {
  const { slab, name, num, findings } = walk;
  const active = slab.indexes.active(page);
  const lists = walk.lists.get(page) ?? [];
  const wanted = active === 0 ? "free" : active === num ? "full" : "partial";
  if (lists.length !== 1) {
    findings.add("list-corruption", `${name}: slab ${hex(page)} is on ${lists.length} lists`, [
      page,
    ]);
  } else if (lists[0] !== wanted) {
    findings.add(
      "list-corruption",
      `${name}: slab ${hex(page)} with ${active} of ${num} objects out is on the ${lists[0]} list`,
      [page],
    );
  }
  // One that is on no list may not be set up yet.
  if (lists.length === 0) return;
  const free = freeObjects(walk, page, active);
  if (free !== undefined) auditObjects(walk, page, free);
}

/** Numbers of the objects in the index array, which are all different; undefined if they are not. */
function freeObjects(walk: CacheWalk, page: PagePtr, active: number): Set<number> | undefined {
  const { slab, name, num, findings } = walk;
  if (active < 0 || active > num) {
    findings.add("counter-drift", `${name}: slab ${hex(page)} has ${active} of ${num} out`, [page]);
    return undefined;
  }
  const free = new Set<number>();
  for (let i = active; i < num; i++) free.add(slab.indexes.numberAt(page, i));
  if (free.size === num - active && [...free].every((index) => index < num)) return free;
  findings.add("double-free", `${name}: the free objects of slab ${hex(page)} are no permutation`, [
    page,
  ]);
  return undefined;
}

/** Each object is free, queued or held, and nothing of it twice. */
function auditObjects(walk: CacheWalk, page: PagePtr, free: ReadonlySet<number>): void {
  const { slab, memory, s, name, num, findings, holders, queued } = walk;
  const offset = memory.read32(s + KmemCache.objOffset);
  const lost: Address[] = [];
  for (let index = 0; index < num; index++) {
    const buffer = slab.indexes.objectAt(s, page, index);
    const queue = queued.get(buffer);
    const isFree = free.has(index);
    if (isFree && queue !== undefined) {
      findings.add("double-free", `${name}: ${hex(buffer)} is free and in the ${queue}`, [buffer]);
    }
    if (holders === undefined) continue;
    const held = holders.isLive(buffer + offset);
    if (held && (isFree || queue !== undefined)) {
      const where = isFree ? "free in its slab" : `in the ${queue}`;
      findings.add(
        "double-allocation",
        `${name}: ${hex(buffer)} is held and ${where}: ${holders.story(buffer + offset)}`,
        [buffer],
      );
    }
    if (!held && !isFree && queue === undefined) lost.push(buffer);
  }
  const unclaimed =
    findings.remains
      ?.unclaimedObjects(
        s,
        lost.map((buffer) => buffer + offset),
      )
      .map((object) => object - offset) ?? lost;
  if (unclaimed.length === 0) return;
  findings.add(
    "lost-object",
    `${name}: ${unclaimed.length} objects of slab ${hex(page)} are nowhere: ${hexList(unclaimed)}`,
    unclaimed,
  );
}
