// SPDX-License-Identifier: GPL-2.0-only
/**
 * The audit of a cache with cpu slabs and, if it has asked for them, sheaves: the slabs as in any cache
 * with cpu slabs, where an object in a sheaf, or one whose free was put off, is as good as on a list.
 */
import type { Audit } from "../../../caches/observer.ts";
import type { PagePtr } from "../../../pages/page.ts";
import { auditSlubCache } from "../../observer/audit.ts";
import { checkWaiting, walkSheaves } from "../../sheaves/observer/audit.ts";
import type { KmemCachePtr } from "../../structs.ts";
import type { OptInSlub } from "../slub.ts";

export function auditOptInCache(
  slub: OptInSlub,
  s: KmemCachePtr,
  slabs: readonly PagePtr[],
  audit: Audit,
): void {
  const { walk, held } = walkSheaves(slub.optIn, s, audit);
  auditSlubCache(slub, s, slabs, audit, {
    isFree: (object) => walk.free.has(object),
    isHeld: (object) => held.have(object),
  });
  if (audit.holders !== undefined) checkWaiting(walk, audit.holders);
}
