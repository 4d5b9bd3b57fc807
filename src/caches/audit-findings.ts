// SPDX-License-Identifier: GPL-2.0-only
/** What the audit of an allocator reports to, and whom it asks: src/check stands behind both. */
import type { FailureClass } from "../machine/kernel-bug.ts";
import type { Address } from "../machine/memory.ts";
import type { PagePtr } from "../pages/page.ts";
import type { KmemCachePtr } from "./kmem-cache.ts";

export interface AuditFindings {
  /** `objects`: addresses of objects or slab pages that the finding is about. */
  add(failure: FailureClass, message: string, objects?: readonly Address[]): void;
  /** What dead tasks have left; where given, it is asked before anything is called lost. */
  readonly remains: AuditRemains | undefined;
}

/** By how much a block on its way may move a count. */
export interface Step {
  readonly page: PagePtr;
  readonly size: number;
}

/** What tasks had in their hands when they died. */
export interface AuditRemains {
  /** Whether a block of pages that is in no proper place was in the hands of the dead. */
  claimBlock(page: PagePtr, order: number, what: string): boolean;
  has(page: PagePtr): boolean;
  /** Whether so many sheaves of a cache that are in no place were in the hands of the dead. */
  claimSheaves(s: KmemCachePtr, count: number, what: string): boolean;
  /** Whether a count is off by `difference` because operations were cut between two steps. */
  explains(what: string, difference: number, steps: readonly Step[]): boolean;
  /** Takes out of `lost`, objects of a cache, those that the dead had in their hands. */
  unclaimedObjects(s: KmemCachePtr, lost: readonly Address[]): Address[];
}

/** The holders of objects, as the ledger knows them. */
export interface ObjectHolders {
  isLive(object: Address): boolean;
  /** What became of an object so far, for a message. */
  story(object: Address): string;
}
