// SPDX-License-Identifier: GPL-2.0-only
/**
 * SLAB as policies and cpusets want it. An object may come straight from the slabs of another node
 * (alternate_node_alloc), past the CPU's array; and fallback_alloc keeps to the allowed nodes, and
 * looks again where it found nothing and these have changed.
 */
import { SLAB_MEM_SPREAD } from "../../caches/flags.ts";
import type { Address } from "../../machine/memory.ts";
import { NUMA_NO_NODE } from "../../machine/topology.ts";
import { __GFP_THISNODE } from "../../pages/gfp.ts";
import type { Policies } from "../../pages/policies.ts";
import { policiesOf } from "../../pages/with-policies.ts";
import type { SlabClasses } from "../kernels.ts";
import type { SlabContext } from "../slab-context.ts";
import { KmemCache, type KmemCachePtr } from "../structs.ts";

function policiesIn({ pages }: SlabContext): Policies {
  return policiesOf(pages) as Policies;
}

export function withSlabPolicies(classes: SlabClasses): Partial<SlabClasses> {
  return {
    Allocator: class extends classes.Allocator {
      override slabAllocNode(s: KmemCachePtr, gfp: number, node: number): Address {
        const alternate = node === NUMA_NO_NODE ? this.alternateNode(s, gfp) : NUMA_NO_NODE;
        const object = alternate === NUMA_NO_NODE ? 0 : super.slabAllocNode(s, gfp, alternate);
        return object !== 0 ? object : super.slabAllocNode(s, gfp, node);
      }

      private alternateNode(s: KmemCachePtr, gfp: number): number {
        if ((gfp & __GFP_THISNODE) !== 0) return NUMA_NO_NODE;
        const flags = this.memory.read32(s + KmemCache.flags);
        return policiesIn(this.context).alternateNode((flags & SLAB_MEM_SPREAD) !== 0);
      }
    },
    NodeAllocation: class extends classes.NodeAllocation {
      protected override fallback(s: KmemCachePtr, gfp: number): Address {
        return policiesIn(this.context).retrying(() => super.fallback(s, gfp));
      }

      protected override nodesInOrder(): Iterable<number> {
        return policiesIn(this.context).nodesInOrder();
      }
    },
  };
}
