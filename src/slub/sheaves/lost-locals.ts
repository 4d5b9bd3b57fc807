// SPDX-License-Identifier: GPL-2.0-only
/**
 * kmem_cache_free_bulk as Linux 6.19.0 and 7.1.5 really have it: where the last object examined completes a batch
 * of 32 objects of other nodes, it returns, and the objects of this node are never freed.
 */
import type { Address } from "../../machine/memory.ts";
import type { SheafParts } from "./parts.ts";

export function withLostLocals(classes: SheafParts): Partial<SheafParts> {
  return {
    SheafBulk: class extends classes.SheafBulk {
      protected override afterLastBatch(local: Address[]): void {
        local.length = 0;
      }
    },
  };
}
