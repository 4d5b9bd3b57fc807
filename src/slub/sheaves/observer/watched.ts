// SPDX-License-Identifier: GPL-2.0-only
/** SLUB with sheaves that tells a checker of the objects that go its own ways, too. */
import type { SlabWatch } from "../../../caches/slab-watch.ts";
import type { Address } from "../../../machine/memory.ts";
import type { SheafClasses } from "../../kernels.ts";
import type { SlubContext } from "../../slub-context.ts";
import type { KmemCachePtr } from "../../structs.ts";
import type { RcuSheaves } from "../rcu-sheaves.ts";
import type { SheafPtr } from "../structs.ts";

export function withSheafWatch(classes: SheafClasses, watch: SlabWatch): Partial<SheafClasses> {
  // No method: with two checkers it would be the outer one's for both.
  const told = ({ common }: SlubContext, object: Address): Address => {
    if (object !== 0) watch.handedOut(common, object);
    return object;
  };
  return {
    Allocator: class extends classes.Allocator {
      override allocFromSheaf(s: KmemCachePtr, gfp: number, sheaf: SheafPtr): Address {
        return told(this.context, super.allocFromSheaf(s, gfp, sheaf));
      }

      override allocNolock(s: KmemCachePtr, gfp: number, node: number): Address {
        return told(this.context, super.allocNolock(s, gfp, node));
      }

      override freeNolock(s: KmemCachePtr, object: Address): void {
        watch.takenBack(this.context.common, object);
        super.freeNolock(s, object);
      }
    },
    RcuSheaves: withRcuWatch(classes.RcuSheaves, watch),
  };
}

/** Until its grace period is over an object may be looked at, and is nobody else's. */
export function withRcuWatch<C extends typeof RcuSheaves>(Base: C, watch: SlabWatch): C {
  return class extends (Base as typeof RcuSheaves) {
    protected override slabFreeHook(s: KmemCachePtr, object: Address): void {
      watch.takenBack(this.context.common, object);
      super.slabFreeHook(s, object);
    }
  } as unknown as C;
}
