// SPDX-License-Identifier: GPL-2.0-only
/**
 * The counts of CONFIG_DEBUG_SLAB besides the events of statistics.ts, for the columns behind
 * slabdata in /proc/slabinfo: the most objects that were ever off their slabs, and the most empty
 * slabs that a flush left. Both are kept per node under its list_lock, where they change; a cache's
 * is the largest of its nodes'.
 */
import type { SlabInfo } from "../../caches/slab-info.ts";
import type { Address } from "../../machine/memory.ts";
import type { PagePtr } from "../../pages/page.ts";
import type { SlabClasses } from "../kernels.ts";
import { slabStatistics } from "../observer/slab-info.ts";
import type { SlabContext } from "../slab-context.ts";
import {
  type ArrayCachePtr,
  KmemCache,
  KmemCacheNode,
  type KmemCacheNodePtr,
  type KmemCachePtr,
} from "../structs.ts";

export function withSlabStatistics(classes: SlabClasses): Partial<SlabClasses> {
  return {
    Observer: class extends classes.Observer {
      override slabInfo(s: KmemCachePtr): SlabInfo {
        return { ...super.slabInfo(s), statistics: slabStatistics(this.slab.context, s) };
      }
    },
    Refill: class extends classes.Refill {
      protected override takeFromNode(
        s: KmemCachePtr,
        n: KmemCacheNodePtr,
        ac: ArrayCachePtr,
        batch: number,
      ): void {
        super.takeFromNode(s, n, ac, batch);
        noteHighMark(this.context, s, n);
      }
    },
    NodeAllocation: class extends classes.NodeAllocation {
      protected override takeFrom(s: KmemCachePtr, n: KmemCacheNodePtr, page: PagePtr): Address {
        const object = super.takeFrom(s, n, page);
        noteHighMark(this.context, s, n);
        return object;
      }
    },
    NodeLists: class extends classes.NodeLists {
      /** 6.1 takes objects from a slab before it is listed. */
      override addNew(s: KmemCachePtr, n: KmemCacheNodePtr, page: PagePtr): void {
        super.addNew(s, n, page);
        noteHighMark(this.context, s, n);
      }
    },
    Flush: class extends classes.Flush {
      override flush(s: KmemCachePtr, ac: ArrayCachePtr): void {
        super.flush(s, ac);
        const n = this.context.nodeOf(s, this.context.localNode());
        this.lists.lock(n);
        noteFreeable(this.context, n);
        this.lists.unlock(n);
      }
    },
  } satisfies Partial<SlabClasses>;
}

/** STATS_SET_HIGH. Other nodes' counts are read without their locks, as the kernel's one count is. */
function noteHighMark(context: SlabContext, s: KmemCachePtr, n: KmemCacheNodePtr): void {
  const { memory } = context;
  const num = memory.read32(s + KmemCache.num);
  let out = 0;
  for (let nid = 0; nid < context.nodes; nid++) {
    const node = context.nodeOf(s, nid);
    if (node === 0) continue;
    out += memory.readOnce(node + KmemCacheNode.totalSlabs) * num;
    out -= memory.readOnce(node + KmemCacheNode.freeObjects);
  }
  const mark = n + KmemCacheNode.highMark;
  if (out > memory.readOnce(mark)) memory.writeOnce(mark, out);
}

/** STATS_SET_FREEABLE */
function noteFreeable({ memory }: SlabContext, n: KmemCacheNodePtr): void {
  const free = memory.read32(n + KmemCacheNode.freeSlabs);
  const mark = n + KmemCacheNode.maxFreeable;
  if (free > memory.readOnce(mark)) memory.writeOnce(mark, free);
}
