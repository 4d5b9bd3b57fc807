// SPDX-License-Identifier: GPL-2.0-only
/**
 * A zone: a contiguous range of pages of one node, with its own lock and its own free lists. Blocks
 * merge within a zone only, so pages of two nodes never end up in one block.
 *
 * struct zone holds, for each order and migrate type, the list of free blocks. Its lock is taken
 * with interrupts off and guards the lists, nrFree, and PG_BUDDY and `order` of the zone's pages.
 */
import type { Address } from "../machine/memory.ts";
import { lock } from "../machine/spinlock.ts";
import { array, list, struct, word } from "../machine/struct.ts";

/** Blocks have 2^0 to 2^10 pages, in both kernels. */
export const MAX_ORDER = 11;

/** Pages whose users cannot be moved, and those that could be reclaimed, are kept apart. */
export const MIGRATE_UNMOVABLE = 0;
export const MIGRATE_RECLAIMABLE = 1;
export const MIGRATE_TYPES = 2;

export const ZoneState = struct("zone", {
  lock,
  /** Pages in the free lists. */
  nrFree: word,
  /** 1: the node's memory is gone or going: pages come back, none is given out. */
  isolated: word,
  /** Heads of the lists: freeArea[order][migrate type]. */
  freeArea: array(list, MAX_ORDER * MIGRATE_TYPES),
});

/** What never changes about a zone. */
export interface Zone {
  readonly name: "DMA" | "Normal";
  readonly index: number;
  readonly node: number;
  /** Page numbers, from `start` up to but not including `end`. */
  readonly start: number;
  readonly end: number;
  /** Pages that only allocations that cannot wait may have (the min watermark). */
  readonly reserve: number;
  /** Where its struct zone lies. */
  readonly at: Address;
}

const RESERVE_LIMIT = 64;
const DMA_LIMIT = 4096;

/** Where nodes begin, by number, and behind the last one where it ends: shares of equal size. */
export function shares(first: number, end: number, nodes: number): number[] {
  const share = (node: number): number => first + Math.floor(((end - first) * node) / nodes);
  return Array.from({ length: nodes }, (_, node) => share(node));
}

/**
 * One range a node, which begin at `starts` and of which the last ends at `end`; and the lowest
 * sixteenth of node 0 (at most 16 MiB) is zone DMA. `place` says where each struct zone lies.
 */
export function cutIntoZones(
  starts: readonly number[],
  end: number,
  place: (name: string) => Address,
): Zone[] {
  const boundary = (node: number): number => starts[node] ?? end;
  const first = boundary(0);
  const nodes = starts.length;
  const dma = first + Math.min(DMA_LIMIT, (boundary(1) - first) >> 4);
  const ranges: Pick<Zone, "name" | "node" | "start" | "end">[] = [
    { name: "DMA", node: 0, start: first, end: dma },
  ];
  for (let node = 0; node < nodes; node++) {
    const start = node === 0 ? dma : boundary(node);
    ranges.push({ name: "Normal", node, start, end: boundary(node + 1) });
  }
  return ranges.map((range, index) => ({
    ...range,
    index,
    reserve: Math.min(RESERVE_LIMIT, (range.end - range.start) >> 6),
    at: place(`zone ${range.name} of node ${range.node}`),
  }));
}
