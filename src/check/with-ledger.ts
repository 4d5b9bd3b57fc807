// SPDX-License-Identifier: GPL-2.0-only
/**
 * Feeds the ledger: in place of an allocator a subclass of it, hooked where objects leave and enter.
 * Those are the calls that both allocators have, so what they allocate for themselves counts as well.
 */
import type { AllocatorClass } from "../caches/allocator-class.ts";
import type { KmemCachePtr } from "../caches/kmem-cache.ts";
import type { SlabCommon } from "../caches/slab-common.ts";
import type { SlabWatch } from "../caches/slab-watch.ts";
import { type Change, inTurn, onAllocator, watchingSlabs } from "../kernel/classes.ts";
import { hex } from "../machine/hex.ts";
import { KernelBug } from "../machine/kernel-bug.ts";
import type { Address } from "../machine/memory.ts";
import { spinIsHeld } from "../machine/spinlock.ts";
import { Page, type PagePtr, PG_SLAB } from "../pages/page.ts";
import { Ledger } from "./ledger.ts";

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

/** Slabs, and objects that no call hands out, as the ledger sees them. */
const WATCH: SlabWatch = {
  handedOut(common, object) {
    new Ledger(common).take(object);
  },

  takenBack(common, object) {
    new Ledger(common).give(object);
  },

  dismantled(common, page, locks) {
    const { memory } = common.machine;
    const held = locks.find(({ at }) => spinIsHeld(memory, at));
    if (held === undefined) return;
    const name = common.nameOf(memory.read32(page + Page.slabCache));
    throw new KernelBug(
      "deadlock",
      `slab ${hex(page)} of ${name} is given back with ${held.name} held, which that may want`,
    );
  },

  /** The cache must still be there, and nobody may hold one of the objects. */
  givenBack(common, s, page, objects) {
    const ledger = new Ledger(common);
    // The first caches of the boot lie in static memory, outside of all pages.
    if (common.pages.virtAddrValid(s) && !ledger.isLive(s)) {
      throw new KernelBug(
        "use-after-free",
        `slab ${hex(page)} is given back after its cache ${hex(s)}: ${ledger.story(s)}`,
      );
    }
    const held = objects.find((object) => ledger.isLive(object));
    if (held === undefined) return;
    throw new KernelBug(
      "use-after-free",
      `slab ${hex(page)} of ${common.nameOf(s)} is given back with object ${hex(held)} in use: ${ledger.story(held)}`,
    );
  },
};

/** Every object is entered in the machine's ledger. */
export const withLedger: Change = inTurn(watchingSlabs(WATCH), onAllocator(ledgered));
