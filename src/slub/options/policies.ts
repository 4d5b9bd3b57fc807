// SPDX-License-Identifier: GPL-2.0-only
/**
 * get_any_partial as policies and cpusets want it: it begins at the policy's node, passes over nodes
 * that are not allowed, and looks again where it found nothing and the allowed nodes have changed.
 */
import type { AllocatorClass } from "../../caches/allocator-class.ts";
import type { SlabCommon } from "../../caches/slab-common.ts";
import type { Address } from "../../machine/memory.ts";
import { NUMA_NO_NODE } from "../../machine/topology.ts";
import type { Policies } from "../../pages/policies.ts";
import { policiesOf } from "../../pages/with-policies.ts";
import type { SlubClasses } from "../kernels.ts";
import type { SheafParts } from "../sheaves/parts.ts";
import type { SlubContext } from "../slub-context.ts";
import type { KmemCacheCpuPtr, KmemCacheNodePtr, KmemCachePtr } from "../structs.ts";

function policiesIn({ pages }: SlubContext): Policies {
  return policiesOf(pages) as Policies;
}

export function withPolicySearch(classes: SlubClasses): Partial<SlubClasses> {
  return {
    PartialSearch: class extends classes.PartialSearch {
      protected override searchNodes(s: KmemCachePtr, gfp: number, c: KmemCacheCpuPtr): Address {
        return policiesIn(this.context).retrying(() => super.searchNodes(s, gfp, c));
      }

      protected override nodesInOrder(): Iterable<number> {
        return policiesIn(this.context).nodesInOrder();
      }
    },
  };
}

export function withSheafPolicySearch(classes: SheafParts): Partial<SheafParts> {
  return {
    OtherNodes: class extends classes.OtherNodes {
      /** A caller that has found what it wants does not come back for more. */
      override *withSurplus(s: KmemCachePtr, gfp: number): Generator<KmemCacheNodePtr> {
        const policies = policiesIn(this.context);
        for (let cookie = policies.readBegin(); ; cookie = policies.readBegin()) {
          yield* super.withSurplus(s, gfp);
          if (!policies.readRetry(cookie)) return;
        }
      }

      protected override nodesInOrder(): Iterable<number> {
        return policiesIn(this.context).nodesInOrder();
      }
    },
  };
}

/** slab_strict_numa (Linux 6.13): the policy decides on each object, not only on each slab. */
export function strictNuma<C extends AllocatorClass>(Base: C): C {
  return class extends (Base as AllocatorClass) {
    private readonly policies: Policies;

    // biome-ignore lint/suspicious/noExplicitAny: whatever the extended class takes
    constructor(common: SlabCommon, ...parts: any[]) {
      super(common, ...parts);
      this.policies = policiesOf(common.pages) as Policies;
    }

    override slabAllocNode(s: KmemCachePtr, gfp: number, node: number): Address {
      return super.slabAllocNode(s, gfp, node === NUMA_NO_NODE ? this.policies.strictNode() : node);
    }
  } as unknown as C;
}
