// SPDX-License-Identifier: GPL-2.0-only
/**
 * A survey of all allocated pages: each block is a slab of some cache, a large kmalloc, or a block
 * without an owner, which is a finding. The machine is quiet.
 */
import type { KmemCachePtr } from "../caches/kmem-cache.ts";
import { allocatedBlocks } from "../kernel/allocated-blocks.ts";
import type { System } from "../kernel/system.ts";
import { hex } from "../machine/hex.ts";
import type { Address } from "../machine/memory.ts";
import { Page, type PagePtr, PG_HEAD, PG_RANGE, PG_SLAB } from "../pages/page.ts";
import { NR_SLAB_RECLAIMABLE, NR_SLAB_UNRECLAIMABLE } from "../pages/pages.ts";
import type { Findings } from "./findings.ts";

export type SlabsByCache = ReadonlyMap<KmemCachePtr, readonly PagePtr[]>;

/**
 * Finds the slabs of each cache. `large` are the large kmallocs that callers hold; where it is left
 * out, every large block is taken for one.
 */
export function surveyBlocks(
  system: System,
  findings: Findings,
  large?: readonly Address[],
): SlabsByCache {
  const { memory, pages, common } = system;
  const slabs = new Map<KmemCachePtr, PagePtr[]>(common.caches().map((s) => [s, []]));
  const held = new Set(large);
  for (const page of allocatedBlocks(system)) {
    const flags = memory.read32(page + Page.flags);
    const order = memory.read32(page + Page.order);
    if (common.kfence?.pool.has(pages.pageAddress(page)) === true) continue;
    if ((flags & PG_SLAB) !== 0) {
      const s = memory.read32(page + Page.slabCache);
      const known = slabs.get(s);
      if (known !== undefined) known.push(page);
      else if (!findings.remains?.claimBlock(page, order, `slab ${hex(page)}, not yet a cache's`)) {
        findings.add("wrong-slab", `slab ${hex(page)} belongs to ${hex(s)}, no cache`, [page]);
      }
    } else if (
      (flags & (PG_HEAD | PG_RANGE)) === 0 ||
      (large && !held.has(pages.pageAddress(memory.read32(page + Page.head))))
    ) {
      if (claimBetween(system, findings, page)) continue;
      const what = `page ${pages.array.number(page)} of order ${order}`;
      findings.add("leaked-page", `${what} is allocated and nobody's`, [page]);
    }
  }
  return slabs;
}

/** Whether a block that is no slab was about to become one, or was one, in the hands of the dead. */
function claimBetween({ memory, pages }: System, { remains }: Findings, page: PagePtr): boolean {
  const order = memory.read32(page + Page.order);
  const what = `page ${pages.array.number(page)} of order ${order}, on its way to or from a slab`;
  return remains?.claimBlock(page, order, what) === true;
}

/** A slab of several pages that a dead task had counted and not yet marked looks like a large kmalloc. */
function claimUnmarked(system: System, findings: Findings, node: number): void {
  for (const page of allocatedBlocks(system)) {
    if ((system.memory.read32(page + Page.flags) & (PG_HEAD | PG_SLAB)) !== PG_HEAD) continue;
    if (system.pages.pageToNid(page) === node) claimBetween(system, findings, page);
  }
}

/** NR_SLAB_RECLAIMABLE and NR_SLAB_UNRECLAIMABLE are exact. After all slabs were looked at. */
export function auditSlabPages(system: System, findings: Findings): void {
  const { machine, memory, pages } = system;
  const found = new Map<number, number>();
  for (const page of allocatedBlocks(system)) {
    if ((memory.read32(page + Page.flags) & PG_SLAB) === 0) continue;
    const node = pages.pageToNid(page);
    const size = 1 << memory.read32(page + Page.order);
    found.set(node, (found.get(node) ?? 0) + size);
  }
  for (let node = 0; node < machine.options.nodes; node++) {
    const counted =
      pages.nodePageState(node, NR_SLAB_RECLAIMABLE) +
      pages.nodePageState(node, NR_SLAB_UNRECLAIMABLE);
    const there = found.get(node) ?? 0;
    if (counted === there) continue;
    const what = `node ${node} counts ${counted} pages of slabs and has ${there}`;
    if (counted > there) claimUnmarked(system, findings, node);
    const steps = findings.remains?.slabPageSteps(node) ?? [];
    if (findings.remains?.explains(what, there - counted, steps)) continue;
    findings.add("counter-drift", what);
  }
}
