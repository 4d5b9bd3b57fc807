// SPDX-License-Identifier: GPL-2.0-only
/**
 * All slabs of a cache that lie on a list of a node, visited under its list_lock and each under its
 * slab_lock, for validation and for the reports of users. A flush first brings the CPUs' slabs onto
 * the lists. Full slabs are on a list only where users are tracked.
 */
import type { PagePtr } from "../../pages/page.ts";
import type { Front } from "../front.ts";
import type { NodePartial } from "../node-partial.ts";
import type { PageSwap } from "../page-swap.ts";
import type { SlubContext } from "../slub-context.ts";
import type { KmemCacheNodePtr, KmemCachePtr } from "../structs.ts";

export interface SlabWalkParts {
  readonly context: SlubContext;
  readonly nodePartial: NodePartial;
  readonly pageSwap: PageSwap;
  readonly front: Front;
}

/**
 * Calls `visit` on each slab, which may put it on another list; `after` on each node, with its
 * list_lock still held.
 */
export function walkSlabs(
  slub: SlabWalkParts,
  s: KmemCachePtr,
  visit: (page: PagePtr) => void,
  after: (n: KmemCacheNodePtr) => void = () => undefined,
): void {
  const { context, nodePartial, pageSwap, front } = slub;
  front.flushAll(s);
  for (let nid = 0; nid < context.machine.options.nodes; nid++) {
    const n = context.nodeOf(s, nid);
    if (n === 0) continue;
    const flags = nodePartial.lockIrqsave(n);
    for (const page of [...nodePartial.partialSlabs(n), ...nodePartial.fullSlabs(s, n)]) {
      pageSwap.lock(page);
      visit(page);
      pageSwap.unlock(page);
    }
    after(n);
    nodePartial.unlockIrqrestore(n, flags);
  }
}
