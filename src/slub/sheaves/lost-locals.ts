// SPDX-License-Identifier: GPL-2.0-only
/**
 * kmem_cache_free_bulk as Linux 7.1.5 really has it: where the last object examined completes a batch
 * of 32 objects of other nodes, it returns, and the objects of this node are never freed.
 */
import type { Address } from "../../machine/memory.ts";
import type { SheafClasses } from "../kernels.ts";

export function withLostLocals(classes: SheafClasses): Partial<SheafClasses> {
  return {
    SheafBulk: class extends classes.SheafBulk {
      protected override afterLastBatch(local: Address[]): void {
        local.length = 0;
      }
    },
  };
}
