// SPDX-License-Identifier: GPL-2.0-only
/**
 * The sheaves of a cache that callers hold. The allocator keeps no list of them; they are found among
 * the objects of kmalloc by the mark of a prefilled sheaf. Looked for only where something is missing.
 */
import { SLAB_KMALLOC } from "../../../caches/flags.ts";
import type { Audit } from "../../../caches/observer.ts";
import type { Address } from "../../../machine/memory.ts";
import { objectsOfSlab } from "../../observer/slab-objects.ts";
import { KmemCache, type KmemCachePtr } from "../../structs.ts";
import { PREFILLED, Sheaf, type SheafPtr } from "../structs.ts";
import type { Sheaved } from "./sheaved.ts";

export class HeldSheaves {
  private readonly slub: Sheaved;
  private readonly s: KmemCachePtr;
  private readonly audit: Pick<Audit, "slabs" | "holders">;
  private known: { sheaves: SheafPtr[]; objects: ReadonlySet<Address> } | undefined;

  constructor(slub: Sheaved, s: KmemCachePtr, audit: Pick<Audit, "slabs" | "holders">) {
    this.slub = slub;
    this.s = s;
    this.audit = audit;
  }

  /** Whether the object lies in a sheaf that a caller holds. */
  have(object: Address): boolean {
    return this.all.objects.has(object);
  }

  /** Those that were made as sheaves of this cache, oversize ones not counted. */
  get regular(): number {
    const { sheaves, prefill } = this.slub;
    const capacity = sheaves.capacityOf(this.s);
    return this.all.sheaves.filter((sheaf) => prefill.capacity(sheaf) === capacity).length;
  }

  private get all(): { sheaves: SheafPtr[]; objects: ReadonlySet<Address> } {
    if (this.known === undefined) {
      const sheaves = [...this.search()];
      const objects = new Set(sheaves.flatMap((sheaf) => this.slub.sheaves.objects(sheaf)));
      this.known = { sheaves, objects };
    }
    return this.known;
  }

  private *search(): Generator<SheafPtr> {
    const { context } = this.slub;
    const { memory } = context;
    const { slabs, holders } = this.audit;
    for (const [cache, pages] of slabs) {
      if ((memory.read32(cache + KmemCache.flags) & SLAB_KMALLOC) === 0) continue;
      for (const object of pages.flatMap((page) => objectsOfSlab(context, cache, page))) {
        const isHeld = holders?.isLive(object) ?? true;
        const isSheaf = isHeld && memory.read32(object + Sheaf.mark) === PREFILLED;
        if (isSheaf && memory.read32(object + Sheaf.cache) === this.s) yield object;
      }
    }
  }
}
