// SPDX-License-Identifier: GPL-2.0-only
/**
 * The audit of one slab of SLUB: its lists hold its own free objects and no others, its counters
 * count them, and it lies where a slab in this state belongs.
 *
 *     frozen       one CPU owns it, as cpu slab or on its partial list; on no node list
 *     not frozen   with free objects: on the partial list of its node
 *                  without: on no list, or on the full list where users are tracked
 */

import type { AuditFindings, ObjectHolders } from "../../caches/audit-findings.ts";
import { since } from "../../caches/kernel-version.ts";
import { hex, hexList } from "../../machine/hex.ts";
import { PAGE_SIZE } from "../../machine/machine.ts";
import type { Address, Memory } from "../../machine/memory.ts";
import { Page, type PagePtr, SL_PARTIAL } from "../../pages/page.ts";
import { inuseOf, isFrozen, objectsOf } from "../counters.ts";
import type { Slub } from "../cpu-slab/slub.ts";
import { KmemCache, type KmemCachePtr } from "../structs.ts";
import { objectsOfSlab } from "./slab-objects.ts";

/** One place in which a slab was found. */
export interface Place {
  readonly kind: "cpu slab" | "cpu partial" | "partial" | "full";
  /** Where that is, for a message. */
  readonly of: string;
  /** Head of the private list, where the place is a cpu slab. */
  readonly freelist: Address;
}

/** What the walk over one cache has at hand. */
export interface CacheWalk {
  readonly slub: Slub;
  readonly memory: Memory;
  readonly s: KmemCachePtr;
  readonly name: string;
  readonly findings: AuditFindings;
  readonly holders: ObjectHolders | undefined;
  /** Whether the cpu partial lists must be counted exactly, or may have drifted. */
  readonly countsExactly: boolean;
  readonly limited: boolean;
  readonly inTurn: boolean;
  /** Every slab of the cache, and where it was found. */
  readonly places: ReadonlyMap<PagePtr, Place[]>;
  readonly elsewhere: Elsewhere;
}

/** Free objects that are in no list of a slab or a CPU. */
export interface Elsewhere {
  isFree(object: Address): boolean;
  /** In the hands of somebody who will give it back as free. */
  isHeld(object: Address): boolean;
}

export const NOWHERE_ELSE: Elsewhere = { isFree: () => false, isHeld: () => false };

export function auditSlab(walk: CacheWalk, page: PagePtr): void {
  const { memory, slub, s, findings } = walk;
  const counters = memory.read32(page + Page.counters);
  const objects = objectsOf(counters);
  const inuse = inuseOf(counters);
  const room = PAGE_SIZE << slub.context.pages.compoundOrder(page);
  const size = memory.read32(s + KmemCache.size);
  if (objects === 0 || objects * size > room || inuse > objects) {
    findings.add(
      "counter-drift",
      `${title(walk, page)}: inuse ${inuse} of ${objects} objects of ${size} bytes in ${room}`,
      [page],
    );
    return;
  }
  const all = new Set(objectsOfSlab(slub.context, s, page));
  const free = walkFreelist(walk, page, all, "freelist", memory.read32(page + Page.freelist));
  const owners = walk.places.get(page) ?? [];
  const kept = owners.flatMap((owner) =>
    walkFreelist(walk, page, all, `freelist ${owner.of}`, owner.freelist),
  );
  if (free.length !== objects - inuse) {
    findings.add(
      "counter-drift",
      `${title(walk, page)}: inuse is ${inuse} of ${objects}, but the freelist has ${free.length}`,
      free,
    );
  }
  if (!findings.remains?.has(page)) {
    checkPlace(walk, page, isFrozen(counters), free.length > 0, owners);
  }
  const elsewhere = [...all].filter((object) => walk.elsewhere.isFree(object));
  checkObjects(walk, page, all, [...free, ...kept, ...elsewhere]);
}

function title(walk: CacheWalk, page: PagePtr): string {
  return `${walk.name}: slab ${hex(page)}`;
}

/** The objects of a list, up to the first that cannot be one. */
function walkFreelist(
  walk: CacheWalk,
  page: PagePtr,
  all: ReadonlySet<Address>,
  list: string,
  head: Address,
): Address[] {
  const { slub, s, findings } = walk;
  const seen = new Set<Address>();
  // The pointers may be garbage: each is compared before it is followed.
  for (let object = head; object !== 0; object = slub.freePointers.getSafe(s, object)) {
    if (!all.has(object)) {
      const strange = `${title(walk, page)}: ${list} leads to ${hex(object)},`;
      if (isElsewhere(walk, object)) {
        findings.add("wrong-slab", `${strange} an object of another slab`, [object]);
      } else findings.add("list-corruption", `${strange} which is no object`, [object]);
      break;
    }
    if (seen.has(object)) {
      findings.add(
        "list-corruption",
        `${title(walk, page)}: ${list} runs in circles at ${hex(object)}`,
        [object],
      );
      break;
    }
    seen.add(object);
  }
  return [...seen];
}

/** Whether `address` is an object of another slab of the cache. */
function isElsewhere(walk: CacheWalk, address: Address): boolean {
  const { slub, s, places } = walk;
  const { pages } = slub.context;
  if (!pages.virtAddrValid(address)) return false;
  const page = pages.virtToHeadPage(address);
  return places.has(page) && objectsOfSlab(slub.context, s, page).includes(address);
}

function checkPlace(
  walk: CacheWalk,
  page: PagePtr,
  frozen: boolean,
  hasFree: boolean,
  places: readonly Place[],
): void {
  const { findings, slub, s } = walk;
  const cpus = places.filter(({ kind }) => isOwners(slub, kind));
  const where = places.map(({ kind, of }) => `${kind} ${of}`).join(" and ") || "nowhere";
  const what = `${title(walk, page)} is ${frozen ? "frozen" : "not frozen"}, ${hasFree ? "has free objects" : "has none free"}, and lies ${where}`;
  checkMark(walk, page, places, what);
  if (frozen && cpus.length === 0) findings.add("stuck-frozen-slab", what, [page]);
  else if (places.length > 1 || (!frozen && cpus.length > 0)) {
    findings.add("list-corruption", what, [page]);
  } else if (!frozen && places[0]?.kind !== "cpu partial") {
    const full = slub.context.keepsFullList(s) ? "full" : undefined;
    const belongs = hasFree ? "partial" : full;
    if (places[0]?.kind === belongs) return;
    findings.add(places.length === 0 ? "lost-object" : "list-corruption", what, [page]);
  }
}

/** Since 6.8 the slabs on the partial list of a node, and no others, carry a mark. */
function checkMark(walk: CacheWalk, page: PagePtr, places: readonly Place[], what: string): void {
  const isMarked = (walk.memory.read32(page + Page.flags) & SL_PARTIAL) !== 0;
  const isListed = places.some(({ kind }) => kind === "partial");
  if (isMarked === (isListed && since(walk.slub.context.common.kernel, "6.8"))) return;
  walk.findings.add("list-corruption", `${what}, ${isMarked ? "" : "not "}marked as listed`, [
    page,
  ]);
}

/** Which places are those of frozen slabs: since 6.8 a slab of a CPU's partial list is not. */
function isOwners(slub: Slub, kind: Place["kind"]): boolean {
  if (kind === "cpu partial") return !since(slub.context.common.kernel, "6.8");
  return kind === "cpu slab";
}

/** Each object is held by somebody or on one list, and never both. */
function checkObjects(
  walk: CacheWalk,
  page: PagePtr,
  all: ReadonlySet<Address>,
  listed: readonly Address[],
): void {
  const { findings, holders } = walk;
  const once = new Set(listed);
  const report = (
    failure: "double-free" | "double-allocation" | "lost-object",
    what: string,
    objects: readonly Address[],
  ): void => {
    if (objects.length === 0) return;
    const story = holders === undefined ? "" : ` (${holders.story(objects[0] as Address)})`;
    findings.add(
      failure,
      `${title(walk, page)}: ${objects.length} objects ${what}: ${hexList(objects)}${story}`,
      objects,
    );
  };
  const twice = listed.filter((object, i) => listed.indexOf(object) !== i);
  report("double-free", "on two freelists", twice);
  if (holders === undefined) return;
  const held = [...all].filter((object) => holders.isLive(object));
  report(
    "double-allocation",
    "held and yet on a freelist",
    held.filter((o) => once.has(o)),
  );
  const gone = [...all].filter(
    (object) => !once.has(object) && !holders.isLive(object) && !walk.elsewhere.isHeld(object),
  );
  const lost = findings.remains?.unclaimedObjects(walk.s, gone) ?? gone;
  report("lost-object", "neither held nor on a freelist", lost);
}
