// SPDX-License-Identifier: GPL-2.0-only
/** Cpu slabs and sheaves that tell a checker of the objects that go the sheaves' own ways, too. */
import type { SlabWatch } from "../../../caches/slab-watch.ts";
import type { Address } from "../../../machine/memory.ts";
import type { OptInClasses } from "../../kernels.ts";
import { withRcuWatch } from "../../sheaves/observer/watched.ts";
import type { SheafPtr } from "../../sheaves/structs.ts";
import type { KmemCachePtr } from "../../structs.ts";

export function withOptInWatch(classes: OptInClasses, watch: SlabWatch): Partial<OptInClasses> {
  return {
    RcuSheaves: withRcuWatch(classes.RcuSheaves, watch),
    OptInSheaves: class extends classes.OptInSheaves {
      override allocFromSheaf(s: KmemCachePtr, gfp: number, sheaf: SheafPtr): Address {
        const object = super.allocFromSheaf(s, gfp, sheaf);
        if (object !== 0) watch.handedOut(this.context.common, object);
        return object;
      }

      override freeNolock(s: KmemCachePtr, object: Address): void {
        watch.takenBack(this.context.common, object);
        super.freeNolock(s, object);
      }
    },
  };
}
