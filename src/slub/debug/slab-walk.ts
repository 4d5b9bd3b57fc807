/**
 * All slabs of a cache that lie on a list of a node, visited under its list_lock and each under its
 * slab_lock: what validation and the reports of users walk over. A flush first brings the CPUs'
 * slabs onto the lists. Full slabs are on a list only where users are tracked.
 */
import type { PagePtr } from "../../pages/page.ts";
import type { Slub } from "../cpu-slab/slub.ts";
import type { KmemCacheNodePtr, KmemCachePtr } from "../structs.ts";

/**
 * Calls `visit` on each slab, which may put it on another list; `after` on each node, with its
 * list_lock still held.
 */
export function walkSlabs(
  slub: Slub,
  s: KmemCachePtr,
  visit: (page: PagePtr) => void,
  after: (n: KmemCacheNodePtr) => void = () => undefined,
): void {
  const { context, nodePartial, pageSwap } = slub;
  slub.deactivation.flushAll(s);
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
