// SPDX-License-Identifier: GPL-2.0-only
/**
 * The audit of a cache with sheaves: every object is in exactly one of three places, with a user, in
 * one sheaf, or on its slab's freelist; every slab with free objects is on its node's list, and marked
 * so; a barn counts the sheaves that it has, and no sheaf holds more than it may.
 */
import type { AuditFindings } from "../../../caches/audit-findings.ts";
import type { Audit } from "../../../caches/observer.ts";
import { hex } from "../../../machine/hex.ts";
import type { Address } from "../../../machine/memory.ts";
import { Page, type PagePtr } from "../../../pages/page.ts";
import { freeOf, isFrozen, objectsOf } from "../../counters.ts";
import { objectsOfSlab } from "../../observer/slab-objects.ts";
import { KmemCacheNode, type KmemCachePtr } from "../../structs.ts";
import type { SheafSlub } from "../slub.ts";
import { Barn, type SheafPtr } from "../structs.ts";

interface Walk {
  readonly slub: SheafSlub;
  readonly s: KmemCachePtr;
  readonly name: string;
  readonly findings: AuditFindings;
  /** Where each free object was found. */
  readonly free: Map<Address, string>;
}

export function auditSheafCache(
  slub: SheafSlub,
  s: KmemCachePtr,
  slabs: readonly PagePtr[],
  { findings, holders }: Audit,
): void {
  const { common, machine } = slub.context;
  const walk: Walk = { slub, s, name: common.nameOf(s), findings, free: new Map() };
  for (let cpu = 0; cpu < machine.options.cpus; cpu++) walkCpu(walk, cpu);
  for (let nid = 0; nid < machine.options.nodes; nid++) walkBarn(walk, nid);
  for (const page of slabs) walkSlab(walk, page);
  for (let nid = 0; nid < machine.options.nodes; nid++) compareNode(walk, nid, slabs);
  for (const page of slabs) {
    for (const object of objectsOfSlab(slub.context, s, page)) {
      const isLive = holders?.isLive(object);
      const place = walk.free.get(object);
      if (isLive === undefined || isLive !== (place !== undefined)) continue;
      const what = isLive ? `is in use and ${place}` : `is nowhere; ${holders?.story(object)}`;
      findings.add(
        isLive ? "double-allocation" : "lost-object",
        `${walk.name}: ${hex(object)} ${what}`,
        [object],
      );
    }
  }
}

/** A CPU that is gone keeps its main sheaf, and nothing in it. */
export function auditAbsentSheaves(
  slub: SheafSlub,
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

function walkCpu(walk: Walk, cpu: number): void {
  const { sheafLock, sheaves } = walk.slub;
  const pcs = sheafLock.ofCpu(walk.s, cpu);
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
  if (rcuFree !== 0) walkSheaf(walk, rcuFree, `in the rcu sheaf of CPU ${cpu}`);
}

function walkSheaf(walk: Walk, sheaf: SheafPtr, place: string): void {
  const { sheaves } = walk.slub;
  const size = sheaves.size(sheaf);
  if (size < 0 || size > sheaves.capacityOf(walk.s)) {
    walk.findings.add("counter-drift", `${walk.name}: ${size} objects ${place}`);
    return;
  }
  for (const object of sheaves.objects(sheaf)) found(walk, object, place);
}

function found(walk: Walk, object: Address, place: string): void {
  const before = walk.free.get(object);
  if (before !== undefined) {
    walk.findings.add("list-corruption", `${walk.name}: ${hex(object)} is ${before} and ${place}`, [
      object,
    ]);
  }
  walk.free.set(object, place);
}

function walkBarn(walk: Walk, nid: number): void {
  const { barns, sheaves } = walk.slub;
  const barn = barns.of(walk.s, nid);
  if (barn === 0) return;
  const full = barns.list(barn + Barn.full);
  const empty = barns.list(barn + Barn.empty);
  for (const sheaf of full) walkSheaf(walk, sheaf, `in the barn of node ${nid}`);
  for (const sheaf of empty) {
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

function walkSlab(walk: Walk, page: PagePtr): void {
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
  if (length !== freeOf(counters) || isFrozen(counters)) {
    findings.add(
      "counter-drift",
      `${walk.name}: slab ${hex(page)} counts ${freeOf(counters)} free objects of ${objectsOf(counters)} and has ${length}`,
      [page],
    );
  }
}

/** The node's list has the slabs with free objects, and its counts are of what there is. */
function compareNode(walk: Walk, nid: number, slabs: readonly PagePtr[]): void {
  const { slub, s, findings, name } = walk;
  const { context, nodePartial } = slub;
  const { memory, pages } = context;
  const n = context.nodeOf(s, nid);
  if (n === 0) return;
  const listed = new Set(nodePartial.partialSlabs(n));
  const own = slabs.filter((page) => pages.pageToNid(page) === nid);
  for (const page of own) {
    const hasFree = memory.read32(page + Page.freelist) !== 0;
    const where = `${listed.has(page) ? "" : "not "}listed and ${nodePartial.isListed(page) ? "" : "not "}marked`;
    if (hasFree === listed.has(page) && hasFree === nodePartial.isListed(page)) continue;
    const what = `${name}: slab ${hex(page)} has ${hasFree ? "" : "no "}free objects, and is ${where}`;
    findings.add(listed.has(page) ? "list-corruption" : "lost-object", what, [page]);
  }
  const objects = own.reduce(
    (sum, page) => sum + objectsOf(memory.read32(page + Page.counters)),
    0,
  );
  const counted = [KmemCacheNode.nrPartial, KmemCacheNode.nrSlabs, KmemCacheNode.totalObjects].map(
    (field) => memory.read32(n + field),
  );
  const there = [listed.size, own.length, objects];
  if (there.join() === counted.join()) return;
  findings.add(
    "counter-drift",
    `${name}: node ${nid} has ${there.join("/")} partial slabs, slabs, objects, and counts ${counted.join("/")}`,
  );
}
