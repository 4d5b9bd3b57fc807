// SPDX-License-Identifier: GPL-2.0-only
/**
 * The audit of SLUB, cache by cache. First the places where a slab can be are walked: c->page and
 * the cpu partial list of each CPU, the partial and full lists of each node. Then each slab of the
 * cache, found among the pages, must be in the place that its frozen bit, its counters and its
 * objects call for, and each object in exactly one.
 */

import type { AuditFindings } from "../../caches/audit-findings.ts";
import { EventCounts } from "../../caches/event-counts.ts";
import { since } from "../../caches/kernel-version.ts";
import type { KmemCachePtr } from "../../caches/kmem-cache.ts";
import type { Audit } from "../../caches/observer.ts";
import { walkSlabList } from "../../caches/walk-slab-list.ts";
import { hex } from "../../machine/hex.ts";
import type { Address } from "../../machine/memory.ts";
import { Page, type PagePtr } from "../../pages/page.ts";
import { freeOf, inuseOf, isFrozen, objectsOf } from "../counters.ts";
import type { Slub } from "../cpu-slab/slub.ts";
import { ALLOC_SLAB, FREE_SLAB } from "../statistics.ts";
import { KmemCache, KmemCacheCpu, KmemCacheNode } from "../structs.ts";
import { auditBalances } from "./balances.ts";
import { compareCount } from "./compare-count.ts";
import { auditSlab, type CacheWalk, NOWHERE_ELSE, type Place } from "./slab-audit.ts";
import { objectsOfSlab } from "./slab-objects.ts";

/** Audits a cache, of which `slabs` are all slabs there are. */
export function auditSlubCache(
  slub: Slub,
  s: KmemCachePtr,
  slabs: readonly PagePtr[],
  { findings, holders, interrupted, limited, inTurn, counted }: Audit,
  elsewhere = NOWHERE_ELSE,
): void {
  const { memory, common, machine } = slub.context;
  const walk: CacheWalk = {
    slub,
    memory,
    s,
    name: common.nameOf(s),
    findings,
    holders,
    // put_cpu_partial reads the count and swaps the head in two steps until Linux 5.15 (e0a043aa4145).
    countsExactly: since(common.kernel, "5.15") || !interrupted,
    limited,
    inTurn,
    places: new Map(slabs.map((page) => [page, []])),
    elsewhere,
  };
  const { cpus, nodes } = machine.options;
  for (let cpu = 0; cpu < cpus; cpu++) walkCpu(walk, cpu);
  for (let nid = 0; nid < nodes; nid++) walkNode(walk, nid);
  for (const page of slabs) claimForTheDead(walk, page);
  for (let nid = 0; nid < nodes; nid++) compareTotals(walk, nid);
  for (const page of slabs) auditSlab(walk, page);
  const counts = countsOf(walk);
  checkEvents(walk, counts, nodes);
  // The first objects of the boot are handed out without counting; sheaves count apart.
  const isCounted = s !== slub.bootstrap.kmemCacheNode && elsewhere === NOWHERE_ELSE;
  if (counted !== undefined && isCounted) auditBalances(walk, counts, counted, inUseOf(walk));
}

/** A CPU that is gone owns no slab: nobody would unfreeze it. */
export function auditAbsentCpu(
  { context }: Slub,
  s: KmemCachePtr,
  cpu: number,
  findings: AuditFindings,
): void {
  const { memory, common } = context;
  const c = memory.perCpuPtr(memory.read32(s + KmemCache.cpuSlab), cpu);
  for (const field of [KmemCacheCpu.page, KmemCacheCpu.partial]) {
    const page = memory.read32(c + field);
    if (page === 0) continue;
    const what = `${common.nameOf(s)}: CPU ${cpu} is gone and has slab ${hex(page)}`;
    findings.add("stuck-frozen-slab", what, [page]);
  }
}

function walkCpu(walk: CacheWalk, cpu: number): void {
  const { memory, s, name, findings } = walk;
  const c = memory.perCpuPtr(memory.read32(s + KmemCache.cpuSlab), cpu);
  const page = memory.read32(c + KmemCacheCpu.page);
  const freelist = memory.read32(c + KmemCacheCpu.freelist);
  const of = `of CPU ${cpu}`;
  if (page !== 0) found(walk, page, { kind: "cpu slab", of, freelist });
  else if (freelist !== 0) {
    findings.add(
      "lost-object",
      `${name}: CPU ${cpu} has free object ${hex(freelist)} but no slab`,
      [freelist],
    );
  }
  walkCpuPartial(walk, cpu, memory.read32(c + KmemCacheCpu.partial));
}

/**
 * page->pages of each says how many slabs the chain has from there on: one more than the next, and 1
 * for the last. Where an interrupt may come between the two steps of a push it is an estimate: the
 * handler may use the head and its successors up and push the same head again, with another count.
 * Then the last still counts 1 and every other at least 2.
 */
function walkCpuPartial(walk: CacheWalk, cpu: number, head: PagePtr): void {
  const { memory, name, findings } = walk;
  const chain: PagePtr[] = [];
  for (let page = head; page !== 0; page = memory.read32(page + Page.next)) {
    if (!found(walk, page, { kind: "cpu partial", of: `of CPU ${cpu}`, freelist: 0 })) break;
    if (chain.includes(page)) break;
    chain.push(page);
  }
  if (walk.limited && !walk.slub.cpuPartial.isWithinLimit(walk.s, chain, walk.inTurn)) {
    const limit = memory.readOnce(walk.s + KmemCache.cpuPartial);
    const has = `the partial list of CPU ${cpu} has ${chain.length} slabs`;
    findings.add("leaked-page", `${name}: ${has}, more than its limit of ${limit} objects`, chain);
  }
  const wrong = chain.findIndex((page, i) => {
    const counted = memory.read32(page + Page.pages);
    const there = chain.length - i;
    return there === 1 || walk.countsExactly ? counted !== there : counted < 2;
  });
  const page = chain[wrong];
  if (page === undefined) {
    checkFreeObjects(walk, cpu, chain);
    return;
  }
  const there = `${chain.length - wrong} slabs from ${hex(page)} on`;
  const counted = memory.read32(page + Page.pages);
  findings.add(
    "counter-drift",
    `${name}: the partial list of CPU ${cpu} has ${there}, but counts ${counted}`,
    chain,
  );
}

/**
 * Until Linux 5.16 the list is limited by its free objects: page->pobjects is that of the next and
 * those that the slab had when it was pushed. It can only have more by now.
 */
function checkFreeObjects(walk: CacheWalk, cpu: number, chain: readonly PagePtr[]): void {
  const { memory, slub, name, findings } = walk;
  if (!walk.countsExactly || since(slub.context.common.kernel, "5.16")) return;
  const objects = (page: PagePtr | undefined): number =>
    page === undefined ? 0 : memory.read32(page + Page.pobjects);
  const wrong = chain.findIndex((page, i) => {
    const own = objects(page) - objects(chain[i + 1]);
    return own < 1 || own > freeOf(memory.read32(page + Page.counters));
  });
  if (wrong < 0) return;
  const what = `slab ${hex(chain[wrong] as PagePtr)} and those behind it on the partial list of CPU ${cpu}`;
  findings.add(
    "counter-drift",
    `${name}: ${what} count ${objects(chain[wrong])} free objects`,
    chain,
  );
}

/** Enters the place of a slab. False, with a finding, if it is no slab of this cache. */
function found(walk: CacheWalk, page: PagePtr, place: Place): boolean {
  const places = walk.places.get(page);
  if (places !== undefined) {
    places.push(place);
    return true;
  }
  walk.findings.add(
    "use-after-free",
    `${walk.name}: ${place.kind} ${place.of} names ${hex(page)}, which is no slab of this cache`,
    [page],
  );
  return false;
}

function walkNode(walk: CacheWalk, nid: number): void {
  const { slub, memory, s, name, findings } = walk;
  const n = slub.context.nodeOf(s, nid);
  if (n === 0) return;
  if (memory.read32(n + KmemCacheNode.listLock) !== 0) {
    findings.add("deadlock", `${name}: list_lock of node ${nid} is held by nobody who runs`, [n]);
  }
  const partial = walkList(walk, n + KmemCacheNode.partial, { kind: "partial", nid });
  walkList(walk, n + KmemCacheNode.full, { kind: "full", nid });
  compareCount(
    walk,
    `nr_partial of node ${nid}`,
    memory.read32(n + KmemCacheNode.nrPartial),
    partial,
  );
  if (walk.limited && walk.inTurn) checkEmptySlabs(walk, nid);
}

/** An empty slab is kept only where the node does not have min_partial slabs. */
function checkEmptySlabs(
  { slub, memory, s, name, findings, places }: CacheWalk,
  nid: number,
): void {
  const isEmpty = ([page, where]: [PagePtr, Place[]]): boolean =>
    inuseOf(memory.read32(page + Page.counters)) === 0 &&
    where.some(({ kind }) => kind === "partial") &&
    slub.context.pages.pageToNid(page) === nid;
  const empty = [...places].filter(isEmpty).map(([page]) => page);
  const limit = memory.read32(s + KmemCache.minPartial);
  if (empty.length <= limit) return;
  const has = `node ${nid} keeps ${empty.length} empty slabs`;
  findings.add("leaked-page", `${name}: ${has}, more than min_partial, ${limit}`, empty);
}

/** A slab that lies nowhere and is not just full was in somebody's hands who has died, or is lost. */
function claimForTheDead(walk: CacheWalk, page: PagePtr): void {
  const { memory, slub, name, findings } = walk;
  if (findings.remains === undefined || walk.places.get(page)?.length !== 0) return;
  const frozen = isFrozen(memory.read32(page + Page.counters));
  if (!frozen && memory.read32(page + Page.freelist) === 0) return;
  const state = frozen ? "frozen and on its way to a CPU's list" : "on its way to the free pages";
  const order = slub.context.pages.compoundOrder(page);
  findings.remains.claimBlock(page, order, `slab ${hex(page)} of ${name}, ${state}`);
}

/** Slabs that a task which has died was giving back: what counts slabs may count them no more. */
function slabsLeaving({ places, findings, memory }: CacheWalk): PagePtr[] {
  const { remains } = findings;
  if (remains === undefined) return [];
  return [...places.keys()].filter(
    (page) => remains.has(page) && inuseOf(memory.read32(page + Page.counters)) === 0,
  );
}

/** Length of a node list. */
function walkList(
  walk: CacheWalk,
  head: Address,
  { kind, nid }: { kind: "partial" | "full"; nid: number },
): number {
  const { memory, slub, findings } = walk;
  const of = `list of node ${nid}`;
  const name = `${walk.name}: ${kind} ${of}`;
  const list = { memory, pages: slub.context.pages, findings, name, head, nid };
  return walkSlabList(list, (page) => found(walk, page, { kind, of, freelist: 0 }));
}

function compareTotals(walk: CacheWalk, nid: number): void {
  const { memory, slub } = walk;
  const { pages } = slub.context;
  const n = slub.context.nodeOf(walk.s, nid);
  if (n === 0) return;
  const ofNode = (page: PagePtr): boolean => pages.pageToNid(page) === nid;
  const objects = (page: PagePtr): number => objectsOf(memory.read32(page + Page.counters));
  const here = [...walk.places.keys()].filter(ofNode);
  const leaving = slabsLeaving(walk).filter(ofNode);
  compareCount(
    walk,
    `nr_slabs of node ${nid}`,
    memory.read32(n + KmemCacheNode.nrSlabs),
    here.length,
    leaving.map((page) => ({ page, size: 1 })),
  );
  compareCount(
    walk,
    `total_objects of node ${nid}`,
    memory.read32(n + KmemCacheNode.totalObjects),
    here.reduce((sum, page) => sum + objects(page), 0),
    leaving.map((page) => ({ page, size: objects(page) })),
  );
}

/**
 * alloc_slab less free_slab bounds the slabs there are: shrinking and closing give slabs back without
 * counting them, as the kernel does, and the first slabs of the boot are made without counting.
 */
function checkEvents(walk: CacheWalk, counts: EventCounts, nodes: number): void {
  const { slub, s, places } = walk;
  const uncounted = s === slub.bootstrap.kmemCacheNode ? nodes : 0;
  const made = counts.of(ALLOC_SLAB) + uncounted - counts.of(FREE_SLAB);
  counts.compare("slabs made and there", made, places.size - slabsLeaving(walk).length);
}

/** Where each CPU counts. */
function countsOf({ slub, memory, s, name, findings }: CacheWalk): EventCounts {
  const { cpus } = slub.context.machine.options;
  const stats = memory.read32(s + KmemCache.cpuStats);
  const words = Array.from({ length: cpus }, (_, cpu) => memory.perCpuPtr(stats, cpu));
  return new EventCounts(name, findings, memory, words);
}

/** Objects that callers hold. */
function inUseOf({ slub, s, places, holders }: CacheWalk): number {
  let held = 0;
  for (const page of places.keys()) {
    for (const object of objectsOfSlab(slub.context, s, page)) {
      if (holders?.isLive(object)) held++;
    }
  }
  return held;
}
