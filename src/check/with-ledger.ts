/**
 * Feeds the ledger: in place of an allocator a subclass of it, hooked where objects leave and enter.
 * Those are the calls that both allocators have, so what they allocate for themselves counts as well.
 */
import type { AllocatorClass } from "../caches/allocator.ts";
import type { KmemCachePtr } from "../caches/kmem-cache.ts";
import type { SlabCommon } from "../caches/slab-common.ts";
import {
  type Change,
  inTurn,
  onAllocator,
  onSlab,
  onSlub,
  type SlubTable,
} from "../kernel/classes.ts";
import { KernelBug } from "../machine/kernel-bug.ts";
import type { Address } from "../machine/memory.ts";
import { spinIsHeld } from "../machine/spinlock.ts";
import { Page, type PagePtr, PG_SLAB } from "../pages/page.ts";
import type { SlubContext } from "../slub/slub-context.ts";
import { KmemCacheNode } from "../slub/structs.ts";
import { hex } from "./findings.ts";
import { Ledger } from "./ledger.ts";
import { withSlabChecks } from "./slab-ledger.ts";
import { objectsOfSlab } from "./slub-slabs.ts";

/** Every object is entered in the machine's ledger. */
export const withLedger: Change = inTurn(
  onSlub(withSlubLedger),
  onSlab(withSlabChecks),
  onAllocator(ledgered),
);

function ledgered<C extends AllocatorClass>(Base: C): C {
  return class extends (Base as AllocatorClass) {
    private readonly common: SlabCommon;
    private readonly ledger: Ledger;

    // biome-ignore lint/suspicious/noExplicitAny: whatever the extended class takes
    constructor(common: SlabCommon, ...parts: any[]) {
      super(common, ...parts);
      this.common = common;
      this.ledger = new Ledger(this.common);
    }

    override slabAllocNode(s: KmemCachePtr, gfp: number, node: number): Address {
      const object = super.slabAllocNode(s, gfp, node);
      if (object !== 0) this.ledger.take(object);
      return object;
    }

    override slabFree(s: KmemCachePtr, page: PagePtr, object: Address): void {
      this.ledger.give(object);
      super.slabFree(s, page, object);
    }

    override allocBulk(s: KmemCachePtr, gfp: number, size: number, p: Address[]): number {
      const got = super.allocBulk(s, gfp, size, p);
      for (let i = 0; i < got; i++) this.ledger.take(p[i] as Address);
      return got;
    }

    override freeBulk(s: KmemCachePtr, size: number, p: Address[]): void {
      for (let i = 0; i < size; i++) {
        const object = p[i] as Address;
        // Without a cache, whole pages may be among them, which the ledger does not know.
        if (s !== 0 || this.isInSlab(object)) this.ledger.give(object);
      }
      super.freeBulk(s, size, p);
    }

    private isInSlab(object: Address): boolean {
      const { machine, pages } = this.common;
      return (machine.memory.readOnce(pages.virtToHeadPage(object) + Page.flags) & PG_SLAB) !== 0;
    }
  } as unknown as C;
}

/** What concerns SLUB alone: objects cut by hand at boot, and slabs that go back too early. */
function withSlubLedger(classes: SlubTable): Partial<SlubTable> {
  return {
    Bootstrap: class extends classes.Bootstrap {
      override earlyKmemCacheNodeAlloc(nid: number): void {
        super.earlyKmemCacheNodeAlloc(nid);
        new Ledger(this.context.common).take(this.context.nodeOf(this.kmemCacheNode, nid));
      }
    },
    SlabPages: class extends classes.SlabPages {
      protected override freeSlabNow(s: KmemCachePtr, page: PagePtr): void {
        checkSlabMayGo(this.context, s, page);
        super.freeSlabNow(s, page);
      }
    },
  };
}

/**
 * A slab may go back if its cache is there, nobody holds one of its objects, and no list_lock of the
 * cache is held here: whatever gives pages back might want it.
 */
function checkSlabMayGo(context: SlubContext, s: KmemCachePtr, page: PagePtr): void {
  const { common, memory, pages } = context;
  const ledger = new Ledger(common);
  // The first caches of the boot lie in static memory, outside of all pages.
  if (pages.virtAddrValid(s) && !ledger.isLive(s)) {
    throw new KernelBug(
      "use-after-free",
      `slab ${hex(page)} is given back after its cache ${hex(s)}: ${ledger.story(s)}`,
    );
  }
  const what = `slab ${hex(page)} of ${common.nameOf(s)} is given back`;
  const n = context.nodeOfPage(s, page);
  if (n !== 0 && spinIsHeld(memory, n + KmemCacheNode.listLock)) {
    throw new KernelBug("deadlock", `${what} with list_lock held, which freeing pages may want`);
  }
  for (const object of objectsOfSlab(context, s, page)) {
    if (!ledger.isLive(object)) continue;
    throw new KernelBug(
      "use-after-free",
      `${what} with object ${hex(object)} in use: ${ledger.story(object)}`,
    );
  }
}
