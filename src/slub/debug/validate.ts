// SPDX-License-Identifier: GPL-2.0-only
/**
 * validate_slab_cache: checks every slab of a debug cache, at any time. Safe beside any number of
 * users: a debug cache marks and lists its objects under list_lock, which is held here (c7323a5ad078;
 * for that reason other caches are refused).
 */
import { EINVAL } from "../../caches/errno.ts";
import { SLAB_STORE_USER } from "../../caches/flags.ts";
import type { PagePtr } from "../../pages/page.ts";
import type { ObjectDebugging } from "../object-debugging.ts";
import { KmemCacheNode, type KmemCacheNodePtr, type KmemCachePtr } from "../structs.ts";
import { SLUB_RED_ACTIVE, SLUB_RED_INACTIVE } from "./object-layout.ts";
import { type SlabWalkParts, walkSlabs } from "./slab-walk.ts";

export interface ValidationParts extends SlabWalkParts {
  readonly debugging: ObjectDebugging;
}

/**
 * Checks all slabs that are on lists, and repairs them. Returns how many were checked, or -EINVAL for
 * a cache without debugging. Damage goes to reports; see Reports.errors.
 */
export function validateSlabCache(slub: ValidationParts, s: KmemCachePtr): number {
  if (!slub.context.isDebug(s)) return -EINVAL;
  let checked = 0;
  walkSlabs(
    slub,
    s,
    (page) => {
      checked++;
      validateSlab(slub, s, page);
    },
    (n) => compareCounts(slub, s, n),
  );
  return checked;
}

/** validate_slab: ends at the first bad object, since further damage may follow from it. */
function validateSlab(slub: ValidationParts, s: KmemCachePtr, page: PagePtr): void {
  const { debugging } = slub;
  if (!debugging.checks.checkSlab(s, page) || !debugging.freelist.isOn(s, page, 0)) return;
  const free = debugging.freelist.freeObjects(s, page);
  for (const object of debugging.checks.objectsOf(s, page)) {
    const zone = free.has(object) ? SLUB_RED_INACTIVE : SLUB_RED_ACTIVE;
    if (!debugging.checks.checkObject(s, page, object, zone)) return;
  }
}

function compareCounts(slub: ValidationParts, s: KmemCachePtr, n: KmemCacheNodePtr): void {
  const { debugging, nodePartial, context } = slub;
  const partial = nodePartial.partialSlabs(n).length;
  const full = nodePartial.fullSlabs(s, n).length;
  const counted = (what: string, found: number, counter: number): void => {
    if (found !== counter) {
      debugging.reports.lines(() => [
        `SLUB ${context.common.nameOf(s)}: ${found} ${what} counted but counter=${counter}`,
      ]);
    }
  };
  counted("partial slabs", partial, nodePartial.nrPartial(n));
  if (!debugging.layout.has(s, SLAB_STORE_USER)) return;
  counted("slabs", partial + full, context.memory.loadAcquire(n + KmemCacheNode.nrSlabs));
}
