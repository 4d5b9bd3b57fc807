// SPDX-License-Identifier: GPL-2.0-only
/** Slabs with a vector: a feature of the kernel's SLAB that this one lacks. */
import { type Change, onSlab } from "../kernel/classes.ts";
import { call, type Step } from "../laboratory/steps.ts";
import { Page, type PagePtr } from "../pages/page.ts";
import type { SlabContext } from "../slab/slab-context.ts";
import { KmemCacheNode, type KmemCachePtr } from "../slab/structs.ts";

/** Where a slab's vector is kept: a word that SLAB itself does not use. */
const VECTOR = Page.next;

/** The slab of `object` gets `vector`, an object that is freed when the slab is destroyed. */
function attachVector({ memory, pages }: SlabContext, object: number, vector: number): void {
  memory.write32(pages.virtToHeadPage(object) + VECTOR, vector);
}

/**
 * SLAB whose slabs may have a vector, as those of kmalloc caches had one for memory groups
 * (10befea91b61): destroying a slab then frees an object that may be of the very same cache.
 */
export const withVectors: Change = onSlab((classes) => ({
  IndexArray: class extends classes.IndexArray {
    override release(s: KmemCachePtr, page: PagePtr): void {
      super.release(s, page);
      const vector = this.memory.read32(page + VECTOR);
      if (vector === 0) return;
      this.memory.write32(page + VECTOR, 0);
      this.context.common.kfree(vector);
    }
  },
}));

/** The destruction of the slab of `object` frees `vector`. */
export function vectorOf(object: string, vector: string): Step {
  return call(`${vector} is the vector of the slab of ${object}`, ({ slab }, names) => {
    const [of = 0] = names(object);
    const [is = 0] = names(vector);
    if (slab !== undefined) attachVector(slab.context, of, is);
    return undefined;
  });
}

/** Every slab that becomes empty is destroyed at once. */
export const noFreeSlabs: Step = call("free_limit 0", ({ slab, s, memory }) => {
  const context = slab?.context;
  for (let nid = 0; nid < (context?.nodes ?? 0); nid++) {
    memory.write32((context?.nodeOf(s, nid) ?? 0) + KmemCacheNode.freeLimit, 0);
  }
  return undefined;
});
