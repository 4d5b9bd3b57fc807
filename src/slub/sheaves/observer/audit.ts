// SPDX-License-Identifier: GPL-2.0-only
/**
 * The audit of a cache with sheaves: every object is in exactly one place: with a user, in one sheaf,
 * on its slab's freelist, or among the frees that a CPU has put off. Every slab with free objects is on
 * its node's list, and marked so; a barn counts the sheaves that it has, and no sheaf holds more than
 * it may. The sheaves are objects themselves, and as many as were made and not freed.
 */
import type { AuditFindings, ObjectHolders } from "../../../caches/audit-findings.ts";
import type { Audit } from "../../../caches/observer.ts";
import { walkSlabList } from "../../../caches/walk-slab-list.ts";
import { hex } from "../../../machine/hex.ts";
import type { Address } from "../../../machine/memory.ts";
import { Page, type PagePtr } from "../../../pages/page.ts";
import { freeOf, inuseOf, isFrozen, objectsOf } from "../../counters.ts";
import { compareCount } from "../../observer/compare-count.ts";
import { objectsOfSlab } from "../../observer/slab-objects.ts";
import { KmemCache, KmemCacheNode, type KmemCachePtr } from "../../structs.ts";
import { MAX_FULL_SHEAVES } from "../barn.ts";
import type { SheafSlub } from "../slub.ts";
import { Barn, type SheafPtr } from "../structs.ts";
import { auditSheafBalances } from "./balances.ts";
import { HeldSheaves } from "./held-sheaves.ts";
import { SheafCensus } from "./sheaf-census.ts";
import type { Sheaved } from "./sheaved.ts";

/** What is looked at of one cache, and what was found in its sheaves. */
export interface SheafWalk {
  readonly slub: Sheaved;
  readonly s: KmemCachePtr;
  readonly name: string;
  readonly findings: AuditFindings;
  readonly holders: ObjectHolders | undefined;
  /** Where each free object was found. */
  readonly free: Map<Address, string>;
  /** Objects given to kfree_rcu, which are their users' until the grace period is over. */
  readonly waiting: Set<Address>;
  readonly census: SheafCensus;
}

export function auditSheafCache(
  slub: SheafSlub,
  s: KmemCachePtr,
  slabs: readonly PagePtr[],
  audit: Audit,
): void {
  const { holders, counted } = audit;
  const { walk, held } = walkSheaves(slub, s, audit);
  for (const page of slabs) claimForTheDead(walk, page);
  for (const page of slabs) walkSlab(walk, page);
  const { nodes } = slub.context.machine.options;
  for (let nid = 0; nid < nodes; nid++) compareNode(walk, nid, slabs);
  if (holders !== undefined) checkObjects(walk, slabs, holders, held);
  if (audit.limited && audit.inTurn) checkLimits(walk, nodes, slabs);
  // The first objects of the boot are handed out without counting.
  const isCounted = counted !== undefined && s !== slub.bootstrap.kmemCacheNode;
  if (isCounted) auditSheafBalances(walk, slabs, holders, counted);
}

/** Looks through all sheaves of a cache that has any, and through the frees that were put off. */
export function walkSheaves(
  slub: Sheaved,
  s: KmemCachePtr,
  audit: Audit,
): { walk: SheafWalk; held: HeldSheaves } {
  const { findings, holders } = audit;
  const { common, machine } = slub.context;
  const { cpus, nodes } = machine.options;
  const name = common.nameOf(s);
  const census = new SheafCensus(slub, s, findings, holders);
  const waiting = new Set<Address>();
  const walk = { slub, s, name, findings, holders, free: new Map(), waiting, census };
  for (let cpu = 0; cpu < cpus; cpu++) walkPutOff(walk, cpu);
  if (machine.memory.read32(s + KmemCache.cpuSheaves) !== 0) {
    for (let cpu = 0; cpu < cpus; cpu++) walkCpu(walk, cpu);
  }
  for (let nid = 0; nid < nodes; nid++) walkBarn(walk, nid);
  const held = new HeldSheaves(slub, s, audit);
  census.check(held);
  return { walk, held };
}

/** Of one operation after the other none leaves more than it may keep. */
function checkLimits(walk: SheafWalk, nodes: number, slabs: readonly PagePtr[]): void {
  const { slub, s, name, findings } = walk;
  const { memory, pages } = slub.context;
  const limit = memory.read32(s + KmemCache.minPartial);
  for (let nid = 0; nid < nodes; nid++) {
    const barn = slub.barns.of(s, nid);
    const full = barn === 0 ? 0 : slub.barns.nrFull(barn);
    if (full > MAX_FULL_SHEAVES) {
      findings.add("leaked-page", `${name}: the barn of node ${nid} has ${full} full sheaves`);
    }
    const isEmpty = (page: PagePtr): boolean =>
      pages.pageToNid(page) === nid && inuseOf(memory.read32(page + Page.counters)) === 0;
    const empty = slabs.filter(isEmpty);
    if (empty.length <= limit) continue;
    const has = `node ${nid} keeps ${empty.length} empty slabs`;
    findings.add("leaked-page", `${name}: ${has}, more than min_partial, ${limit}`, empty);
  }
}

/** Each object is in one place, and nowhere else. */
function checkObjects(
  walk: SheafWalk,
  slabs: readonly PagePtr[],
  holders: ObjectHolders,
  held: HeldSheaves,
): void {
  const { slub, s, name, findings, free } = walk;
  const objects = slabs.flatMap((page) => objectsOfSlab(slub.context, s, page));
  for (const object of objects) {
    const place = free.get(object);
    if (place === undefined || !holders.isLive(object)) continue;
    findings.add("double-allocation", `${name}: ${hex(object)} is in use and ${place}`, [object]);
  }
  const isNowhere = (object: Address): boolean => !free.has(object) && !holders.isLive(object);
  const missing = objects.filter(isNowhere);
  const gone = missing.length === 0 ? [] : missing.filter((object) => !held.have(object));
  const lost = findings.remains?.unclaimedObjects(s, gone) ?? gone;
  for (const object of lost) {
    const what = `${name}: ${hex(object)} is nowhere; ${holders.story(object)}`;
    findings.add("lost-object", what, [object]);
  }
  checkWaiting(walk, holders);
}

/** An object that waits for readers is still its user's. */
export function checkWaiting({ name, findings, waiting }: SheafWalk, holders: ObjectHolders): void {
  for (const object of waiting) {
    if (holders.isLive(object)) continue;
    const what = `${name}: ${hex(object)} waits for readers and is free; ${holders.story(object)}`;
    findings.add("double-free", what, [object]);
  }
}

/** A CPU that is gone keeps its main sheaf, and nothing in it. */
export function auditAbsentSheaves(
  slub: Sheaved,
  s: KmemCachePtr,
  cpu: number,
  findings: AuditFindings,
): void {
  const { sheafLock, sheaves, context } = slub;
  const pcs = sheafLock.ofCpu(s, cpu);
  const held = [sheafLock.main(pcs), sheafLock.spare(pcs), sheafLock.rcuFree(pcs)]
    .filter((sheaf) => sheaf !== 0)
    .flatMap((sheaf) => sheaves.objects(sheaf));
  if (held.length === 0) return;
  const what = `${context.common.nameOf(s)}: CPU ${cpu} is gone and has ${held.length} objects`;
  findings.add("lost-object", what, held);
}

function walkPutOff(walk: SheafWalk, cpu: number): void {
  for (const object of walk.slub.deferredFrees.of(walk.s, cpu)) {
    found(walk, object, `among the frees that CPU ${cpu} has put off`);
  }
}

function walkCpu(walk: SheafWalk, cpu: number): void {
  const { sheafLock, sheaves } = walk.slub;
  const pcs = sheafLock.ofCpu(walk.s, cpu);
  if (sheafLock.isHeld(pcs)) {
    walk.findings.add(
      "deadlock",
      `${walk.name}: the sheaf lock of CPU ${cpu} is held by nobody who runs`,
    );
  }
  const main = sheafLock.main(pcs);
  if (main === 0) {
    walk.findings.add("list-corruption", `${walk.name}: CPU ${cpu} has no main sheaf`);
    return;
  }
  if (sheaves.capacityOf(walk.s) === 0) return;
  walkSheaf(walk, main, `in the main sheaf of CPU ${cpu}`);
  const spare = sheafLock.spare(pcs);
  if (spare !== 0) walkSheaf(walk, spare, `in the spare sheaf of CPU ${cpu}`);
  const rcuFree = sheafLock.rcuFree(pcs);
  if (rcuFree === 0) return;
  for (const object of walkSheaf(walk, rcuFree, `in the rcu sheaf of CPU ${cpu}`)) {
    walk.free.delete(object);
    walk.waiting.add(object);
  }
}

/** The objects of the sheaf, which are entered as free. */
function walkSheaf(walk: SheafWalk, sheaf: SheafPtr, place: string): Address[] {
  const { sheaves } = walk.slub;
  walk.census.found(sheaf, place);
  const size = sheaves.size(sheaf);
  if (size < 0 || size > sheaves.capacityOf(walk.s)) {
    walk.findings.add("counter-drift", `${walk.name}: ${size} objects ${place}`);
    return [];
  }
  const objects = sheaves.objects(sheaf);
  for (const object of objects) found(walk, object, place);
  return objects;
}

function found(walk: SheafWalk, object: Address, place: string): void {
  const before = walk.free.get(object);
  if (before !== undefined || walk.waiting.has(object)) {
    const what = `${walk.name}: ${hex(object)} is ${before ?? "in an rcu sheaf"} and ${place}`;
    walk.findings.add("list-corruption", what, [object]);
  }
  walk.free.set(object, place);
}

function walkBarn(walk: SheafWalk, nid: number): void {
  const { barns, sheaves } = walk.slub;
  const barn = barns.of(walk.s, nid);
  if (barn === 0) return;
  const full = barns.list(barn + Barn.full);
  const empty = barns.list(barn + Barn.empty);
  for (const sheaf of full) walkSheaf(walk, sheaf, `in the barn of node ${nid}`);
  for (const sheaf of empty) {
    walk.census.found(sheaf, `in the barn of node ${nid}`);
    if (sheaves.size(sheaf) === 0) continue;
    walk.findings.add(
      "list-corruption",
      `${walk.name}: node ${nid} has an empty sheaf with objects`,
    );
  }
  if (full.length === barns.nrFull(barn) && empty.length === barns.nrEmpty(barn)) return;
  walk.findings.add(
    "counter-drift",
    `${walk.name}: the barn of node ${nid} has ${full.length} full and ${empty.length} empty sheaves, and counts ${barns.nrFull(barn)} and ${barns.nrEmpty(barn)}`,
  );
}

/**
 * A slab that is on no list and has free objects, or is not yet what a slab is, was in the hands of a
 * task that has died, or is lost.
 */
function claimForTheDead(walk: SheafWalk, page: PagePtr): void {
  const { memory } = walk.slub.context;
  if (walk.slub.nodePartial.isListed(page)) return;
  const counters = memory.read32(page + Page.counters);
  const isFull = objectsOf(counters) > 0 && freeOf(counters) === 0 && !isFrozen(counters);
  if (!isFull || memory.read32(page + Page.freelist) !== 0) claim(walk, page);
}

function claim({ slub, name, findings }: SheafWalk, page: PagePtr): void {
  const order = slub.context.pages.compoundOrder(page);
  const what = `slab ${hex(page)} of ${name}, on its way to or from a list`;
  findings.remains?.claimBlock(page, order, what);
}

/** Slabs that are in place, and of which the dead had objects: they may not be counted yet. */
function claimUncounted(walk: SheafWalk, slabs: readonly PagePtr[]): void {
  const { slub, s, findings, free, holders } = walk;
  const isInHand = (object: Address): boolean => !free.has(object) && !holders?.isLive(object);
  for (const page of slabs) {
    if (findings.remains?.has(page)) continue;
    if (objectsOfSlab(slub.context, s, page).some(isInHand)) claim(walk, page);
  }
}

function walkSlab(walk: SheafWalk, page: PagePtr): void {
  const { slub, s, findings } = walk;
  const { memory } = slub.context;
  const all = new Set(objectsOfSlab(slub.context, s, page));
  const counters = memory.read32(page + Page.counters);
  let length = 0;
  let object = memory.read32(page + Page.freelist);
  for (; all.has(object) && length < all.size; object = slub.freePointers.getSafe(s, object)) {
    found(walk, object, `on the freelist of slab ${hex(page)}`);
    length++;
  }
  if (object !== 0) {
    findings.add(
      "list-corruption",
      `${walk.name}: the freelist of slab ${hex(page)} leads astray`,
      [page],
    );
  }
  if ((length !== freeOf(counters) || isFrozen(counters)) && !findings.remains?.has(page)) {
    findings.add(
      "counter-drift",
      `${walk.name}: slab ${hex(page)} counts ${freeOf(counters)} free objects of ${objectsOf(counters)} and has ${length}`,
      [page],
    );
  }
}

/** The node's lists have the slabs that belong there, and its counts are of what there is. */
function compareNode(walk: SheafWalk, nid: number, slabs: readonly PagePtr[]): void {
  const { slub, s, findings, name } = walk;
  const { context, nodePartial } = slub;
  const { memory, pages } = context;
  const n = context.nodeOf(s, nid);
  if (n === 0) return;
  const own = slabs.filter((page) => pages.pageToNid(page) === nid);
  const listed = slabsListed(walk, nid, "partial", n + KmemCacheNode.partial, own);
  const listedFull = slabsListed(walk, nid, "full", n + KmemCacheNode.full, own);
  for (const page of own) {
    const hasFree = memory.read32(page + Page.freelist) !== 0;
    const isListed = listed.has(page);
    const belongsToFull = !hasFree && context.keepsFullList(s);
    if (findings.remains?.has(page)) continue;
    const isRight = hasFree === isListed && belongsToFull === listedFull.has(page);
    if (isRight && hasFree === nodePartial.isListed(page)) continue;
    const where = `${isListed ? "" : "not "}listed${listedFull.has(page) ? " as full" : ""} and ${nodePartial.isListed(page) ? "" : "not "}marked`;
    const what = `${name}: slab ${hex(page)} has ${hasFree ? "" : "no "}free objects, and is ${where}`;
    findings.add(isListed ? "list-corruption" : "lost-object", what, [page]);
  }
  const count = (field: number): number => memory.read32(n + field);
  const nrSlabs = count(KmemCacheNode.nrSlabs);
  const totalObjects = count(KmemCacheNode.totalObjects);
  const objects = (page: PagePtr): number => objectsOf(memory.read32(page + Page.counters));
  const there = own.reduce((sum, page) => sum + objects(page), 0);
  if (nrSlabs !== own.length || totalObjects !== there) claimUncounted(walk, own);
  const moving = own.filter((page) => findings.remains?.has(page));
  const slabSteps = moving.map((page) => ({ page, size: 1 }));
  const objectSteps = moving.map((page) => ({ page, size: objects(page) }));
  compareCount(walk, `nr_partial of node ${nid}`, count(KmemCacheNode.nrPartial), listed.size);
  compareCount(walk, `nr_slabs of node ${nid}`, nrSlabs, own.length, slabSteps);
  compareCount(walk, `total_objects of node ${nid}`, totalObjects, there, objectSteps);
}

function slabsListed(
  { slub, name, findings }: SheafWalk,
  nid: number,
  kind: string,
  head: Address,
  slabs: readonly PagePtr[],
): Set<PagePtr> {
  const { memory, pages } = slub.context;
  const known = new Set(slabs);
  const listed = new Set<PagePtr>();
  const of = `${name}: ${kind} list of node ${nid}`;
  walkSlabList({ memory, pages, findings, name: of, head, nid }, (page) => {
    if (!known.has(page)) {
      findings.add(
        "use-after-free",
        `${of} names ${hex(page)}, which is no slab of this cache there`,
        [page],
      );
      return false;
    }
    listed.add(page);
    return true;
  });
  return listed;
}
