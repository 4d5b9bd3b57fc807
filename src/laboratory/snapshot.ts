// SPDX-License-Identifier: GPL-2.0-only
/**
 * The state of a laboratory's cache at one moment of a replay, drawn for readers: the slabs and objects
 * of each CPU, the nodes' lists, and every slab with its objects. The replay does not notice; a list
 * may be in the middle of a change, so every walk is bounded.
 */
import type { PlaceState, Reading, SlabState } from "../caches/drawing.ts";
import { KmemCacheBase } from "../caches/kmem-cache.ts";
import type { System } from "../kernel/system.ts";
import type { Address } from "../machine/memory.ts";
import { Page, type PagePtr, PG_SLAB } from "../pages/page.ts";
import type { Laboratory } from "./laboratory.ts";

export interface SlabSnapshot extends SlabState {
  readonly number: number;
  /** Of each object: it is allocated. */
  readonly held: readonly boolean[];
}

export interface Snapshot {
  readonly places: readonly PlaceState[];
  readonly slabs: readonly SlabSnapshot[];
}

export function snapshotOf(lab: Laboratory): Snapshot {
  return lab.memory.inspect(() => read(lab));
}

function read({ system, s, ledger, reading }: Laboratory): Snapshot {
  const { cpus, nodes } = system.machine.options;
  const drawing = system.observer.drawing(reading);
  const places = Array.from({ length: cpus }, (_, cpu) => drawing.cpu(s, cpu));
  for (let nid = 0; nid < nodes; nid++) {
    const n = reading.peek(s + KmemCacheBase.node + (nid << 2));
    if (n !== 0) places.push(drawing.node(nid, n));
  }
  const size = reading.peek(s + KmemCacheBase.size);
  const slabs = slabsOf(system, s, reading).map((page) => {
    const slab = drawing.slab(s, page);
    const first = drawing.firstObject(s, page);
    const held = Array.from({ length: slab.objects }, (_, i) => ledger.isLive(first + i * size));
    return { ...slab, number: system.pages.array.number(page), held };
  });
  return { places, slabs };
}

function slabsOf({ pages }: System, s: Address, { peek }: Reading): PagePtr[] {
  const found: PagePtr[] = [];
  for (const zone of pages.zones) {
    for (let pfn = zone.start; pfn < zone.end; pfn++) {
      const page = pages.array.numbered(pfn);
      if ((peek(page + Page.flags) & PG_SLAB) === 0) continue;
      if (peek(page + Page.slabCache) === s) found.push(page);
    }
  }
  return found;
}
