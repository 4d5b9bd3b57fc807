// SPDX-License-Identifier: GPL-2.0-only
/** Bulk allocation from cpu slabs as 6.19 has it: each object that is popped is counted. */
import { BulkInterruptible } from "../cpu-slab/bulk-interruptible.ts";
import { ALLOC_FASTPATH } from "../statistics.ts";
import type { KmemCachePtr } from "../structs.ts";

export class BulkCounted extends BulkInterruptible {
  protected override countPopped(s: KmemCachePtr): void {
    this.context.stat(s, ALLOC_FASTPATH);
  }
}
