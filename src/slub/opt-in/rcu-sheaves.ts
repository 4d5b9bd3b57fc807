// SPDX-License-Identifier: GPL-2.0-only
/** kfree_rcu by the sheaf, in a cache that has sheaves; only nodes with memory have a barn. */

import type { Address } from "../../machine/memory.ts";
import type { OtherNodes } from "../sheaves/other-nodes.ts";
import { RcuSheaves, type RcuSheavesParts } from "../sheaves/rcu-sheaves.ts";
import type { KmemCachePtr } from "../structs.ts";

export interface OptInRcuSheavesParts extends RcuSheavesParts {
  readonly otherNodes: OtherNodes;
}

export class OptInRcuSheaves extends RcuSheaves {
  declare protected readonly parts: OptInRcuSheavesParts;

  /** A cache without sheaves is not counted as a failure. */
  override free(s: KmemCachePtr, object: Address): boolean {
    return this.parts.sheaves.capacityOf(s) !== 0 && super.free(s, object);
  }

  protected override homeNode(): number {
    return this.parts.otherNodes.numaMemId();
  }
}
