/**
 * What concerns SLAB alone when objects are entered in the ledger: a slab may go if its cache is
 * there, nobody holds one of its objects, and no lock of the cache is held that freeing may want.
 */
import type { KmemCachePtr } from "../caches/kmem-cache.ts";
import { KernelBug } from "../machine/kernel-bug.ts";
import { spinIsHeld } from "../machine/spinlock.ts";
import type { PagePtr } from "../pages/page.ts";
import type { IndexArray } from "../slab/index-array.ts";
import type { SlabClasses } from "../slab/kernels.ts";
import type { SlabContext } from "../slab/slab-context.ts";
import { AlienCache, KmemCache, KmemCacheNode } from "../slab/structs.ts";
import { hex } from "./findings.ts";
import { Ledger } from "./ledger.ts";

export function withSlabChecks(classes: SlabClasses): Partial<SlabClasses> {
  return {
    SlabPages: class extends classes.SlabPages {
      override destroy(s: KmemCachePtr, page: PagePtr): void {
        checkLocks(this.context, s, page);
        super.destroy(s, page);
      }

      override freePages(s: KmemCachePtr, page: PagePtr): void {
        checkObjects(this.context, this.indexes, s, page);
        super.freePages(s, page);
      }
    },
  };
}

/** Giving an index array back is a free of its own, which may take any of these. */
function checkLocks(context: SlabContext, s: KmemCachePtr, page: PagePtr): void {
  const { common, memory, nodes } = context;
  const held = (what: string): never => {
    throw new KernelBug(
      "deadlock",
      `slab ${hex(page)} of ${common.nameOf(s)} is destroyed with ${what} held, which freeing may want`,
    );
  };
  for (let nid = 0; nid < nodes; nid++) {
    const n = context.nodeOf(s, nid);
    if (n === 0) continue;
    if (spinIsHeld(memory, n + KmemCacheNode.listLock)) held(`list_lock of node ${nid}`);
    const table = memory.readOnce(n + KmemCacheNode.alien);
    for (let other = 0; table !== 0 && other < nodes; other++) {
      const alien = memory.readOnce(table + (other << 2));
      if (alien !== 0 && spinIsHeld(memory, alien + AlienCache.lock)) {
        held(`the alien lock of node ${nid} for node ${other}`);
      }
    }
  }
}

function checkObjects(
  context: SlabContext,
  indexes: IndexArray,
  s: KmemCachePtr,
  page: PagePtr,
): void {
  const { common, memory, pages } = context;
  const ledger = new Ledger(common);
  // The cache of caches lies in static memory, outside of all pages.
  if (pages.virtAddrValid(s) && !ledger.isLive(s)) {
    throw new KernelBug(
      "use-after-free",
      `slab ${hex(page)} is given back after its cache ${hex(s)}: ${ledger.story(s)}`,
    );
  }
  const num = memory.read32(s + KmemCache.num);
  const offset = memory.read32(s + KmemCache.objOffset);
  for (let i = 0; i < num; i++) {
    const object = indexes.objectAt(s, page, i) + offset;
    if (!ledger.isLive(object)) continue;
    throw new KernelBug(
      "use-after-free",
      `slab ${hex(page)} of ${common.nameOf(s)} is given back with object ${hex(object)} in use: ${ledger.story(object)}`,
    );
  }
}
