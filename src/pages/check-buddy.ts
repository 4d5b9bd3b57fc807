// SPDX-License-Identifier: GPL-2.0-only
/**
 * The audit of the page allocator, on a quiet machine. Each zone is walked block by block: the first
 * page of each says how the block stands, and the blocks must cover the zone without a gap. Then the
 * lists are walked: they must hold exactly the blocks that say they are on them.
 */
import { listNext } from "../machine/list.ts";
import type { Memory } from "../machine/memory.ts";
import type { Buddy } from "./buddy.ts";
import type { PageArray } from "./page.ts";
import { Page, type PagePtr, PG_ALLOCATED, PG_BUDDY, PG_PCP, PG_RESERVED } from "./page.ts";
import type { PcpLists } from "./pcp.ts";
import { MAX_ORDER, MIGRATE_TYPES, type Zone, ZoneState } from "./zone.ts";

const STATES = PG_ALLOCATED | PG_BUDDY | PG_PCP | PG_RESERVED;

/** Descriptors of the first pages of the blocks of a zone that say they are free. */
interface Claims {
  readonly buddy: Set<PagePtr>;
  readonly pcp: Set<PagePtr>;
}

/** What is walked. */
interface WalkedPages {
  readonly zones: readonly Zone[];
  readonly array: PageArray;
  readonly buddy: Buddy;
  readonly pcp: PcpLists;
}

type OrderGiven = (page: PagePtr) => number;

/** The walk over one zone. */
interface Walk {
  readonly memory: Memory;
  readonly pages: WalkedPages;
  readonly zone: Zone;
  readonly cpus: number;
  readonly complain: (what: string) => void;
}

export function findProblems(
  memory: Memory,
  pages: WalkedPages,
  cpus: number,
  orderGiven: OrderGiven,
): string[] {
  const problems: string[] = [];
  for (const zone of pages.zones) {
    const complain = (what: string): void => {
      problems.push(`zone ${zone.name} of node ${zone.node}: ${what}`);
    };
    const walk = { memory, pages, zone, cpus, complain };
    const claims = walkBlocks(walk, orderGiven);
    walkBuddyLists(walk, claims.buddy);
    walkPcpLists(walk, claims.pcp);
  }
  return problems;
}

function walkBlocks(walk: Walk, orderGiven: OrderGiven): Claims {
  const { memory, pages, zone, complain } = walk;
  const claims: Claims = { buddy: new Set(), pcp: new Set() };
  for (let pfn = zone.start; pfn < zone.end; ) {
    const page = pages.array.numbered(pfn);
    const state = memory.read32(page + Page.flags) & STATES;
    const order = state === PG_PCP ? 0 : memory.read32(page + Page.order);
    const given = state === 0 ? orderGiven(page) : -1;
    if (given >= 0) {
      pfn += 1 << given;
      continue;
    }
    if (state !== PG_ALLOCATED && state !== PG_BUDDY && state !== PG_PCP) {
      complain(`page ${pfn} is neither allocated nor free (state 0x${state.toString(16)})`);
      pfn++;
      continue;
    }
    if (order < 0 || order >= MAX_ORDER || pfn + (1 << order) > zone.end) {
      complain(`page ${pfn} has order ${order}, which does not fit`);
      pfn++;
      continue;
    }
    if (state === PG_BUDDY) {
      claims.buddy.add(page);
      checkMerged(walk, pfn, order);
    }
    if (state === PG_PCP) claims.pcp.add(page);
    if (state !== PG_ALLOCATED) checkHeads(walk, pfn, order);
    pfn = checkInside(walk, pfn, order);
  }
  return claims;
}

/** No page inside a block may say that a block begins there. Returns where the next block begins. */
function checkInside({ memory, pages, complain }: Walk, first: number, order: number): number {
  const end = first + (1 << order);
  for (let pfn = first + 1; pfn < end; pfn++) {
    const state = memory.read32(pages.array.numbered(pfn) + Page.flags) & STATES;
    if (state === 0) continue;
    complain(`page ${pfn} begins a block inside the block of order ${order} at page ${first}`);
  }
  return end;
}

/** A free page is its own head, so that a block that is made of it later needs to set no more than its tails. */
function checkHeads({ memory, pages, complain }: Walk, first: number, order: number): void {
  for (let pfn = first; pfn < first + (1 << order); pfn++) {
    const page = pages.array.numbered(pfn);
    if (memory.read32(page + Page.head) === page) continue;
    complain(`free page ${pfn} still says that it is in another block`);
  }
}

function checkMerged({ pages, zone, complain }: Walk, pfn: number, order: number): void {
  if (pfn % (1 << order) !== 0) complain(`free page ${pfn} is not aligned to its order ${order}`);
  const buddy = pfn ^ (1 << order);
  if (order + 1 === MAX_ORDER || buddy < pfn || !pages.buddy.isFreeBlock(zone, buddy, order))
    return;
  complain(`pages ${pfn} and ${buddy} of order ${order} are both free and were not merged`);
}

function walkBuddyLists(walk: Walk, claims: Set<PagePtr>): void {
  const { memory, pages, zone, complain } = walk;
  let free = 0;
  for (let order = 0; order < MAX_ORDER; order++) {
    for (let type = 0; type < MIGRATE_TYPES; type++) {
      const head = pages.buddy.listOf(zone, order, type);
      for (let entry = listNext(memory, head); entry !== head; entry = listNext(memory, entry)) {
        const page = entry - Page.lru;
        if (!claims.delete(page)) {
          complain(`the list of order ${order} has ${entry}, no free block or listed twice`);
          break;
        }
        if (memory.read32(page + Page.order) !== order) {
          complain(`page ${pages.array.number(page)} lies on the list of order ${order}`);
        }
        free += 1 << order;
      }
    }
  }
  for (const page of claims) complain(`page ${pages.array.number(page)} is free and on no list`);
  const counted = memory.read32(zone.at + ZoneState.nrFree);
  if (counted !== free) complain(`nrFree says ${counted}, the lists hold ${free} pages`);
}

function walkPcpLists(walk: Walk, claims: Set<PagePtr>): void {
  const { memory, pages, zone, cpus, complain } = walk;
  for (let cpu = 0; cpu < cpus; cpu++) {
    let held = 0;
    for (let type = 0; type < MIGRATE_TYPES; type++) {
      let page = pages.pcp.first(zone, cpu, type);
      for (; page !== 0; page = memory.read32(page + Page.next)) {
        if (!claims.delete(page)) {
          complain(`CPU ${cpu} holds ${page}, no per-CPU page of this zone or listed twice`);
          break;
        }
        held++;
      }
    }
    const counted = pages.pcp.count(zone, cpu);
    if (counted !== held) complain(`CPU ${cpu} counts ${counted} pages and holds ${held}`);
  }
  for (const page of claims) {
    complain(`page ${pages.array.number(page)} is a per-CPU page on no CPU's list`);
  }
}
