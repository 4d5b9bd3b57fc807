/**
 * What some exhibits need in both sources, the broken and the fixed: a feature that the kernel had
 * and this allocator has not, or an eye for a failure that nothing else would see.
 */
import { Ledger } from "../check/ledger.ts";
import { type Change, onSlab } from "../kernel/classes.ts";
import { KernelBug } from "../machine/kernel-bug.ts";
import { Page, type PagePtr } from "../pages/page.ts";
import type { HowMany } from "../slab/drain.ts";
import type { SlabClasses } from "../slab/kernels.ts";
import { RefillUnlocked } from "../slab/refill-unlocked.ts";
import type { SlabContext } from "../slab/slab-context.ts";
import type { ArrayCachePtr, KmemCacheNodePtr, KmemCachePtr } from "../slab/structs.ts";

/** Where a slab's vector is kept: a word that SLAB itself does not use. */
const VECTOR = Page.next;

/** The slab of `object` gets `vector`, an object that is freed when the slab is destroyed. */
export function attachVector({ memory, pages }: SlabContext, object: number, vector: number): void {
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

/** SLAB that refuses to look at a shared array which is no longer one. */
export const withQueueChecks: Change = onSlab((classes) => ({
  Drain: class extends classes.Drain {
    protected override drainLocked(
      s: KmemCachePtr,
      n: KmemCacheNodePtr,
      ac: ArrayCachePtr,
      howMany: HowMany,
    ): PagePtr[] {
      checkShared(this.context, ac);
      return super.drainLocked(s, n, ac, howMany);
    }
  },
  ...(looksUnlocked(classes.Refill) && {
    Refill: class extends classes.Refill {
      protected override availOf(shared: ArrayCachePtr): number {
        const avail = super.availOf(shared);
        checkShared(this.context, shared);
        return avail;
      }
    },
  }),
}));

/** Since 4.7 a refill looks at the shared array without a lock. */
function looksUnlocked(Refill: SlabClasses["Refill"]): Refill is typeof RefillUnlocked {
  return Refill === RefillUnlocked || Refill.prototype instanceof RefillUnlocked;
}

/** Shared arrays are objects; those of the CPUs lie in static memory. */
function checkShared({ common, machine }: SlabContext, ac: ArrayCachePtr): void {
  if (ac < machine.layout.percpuEnd) return;
  const ledger = new Ledger(common);
  if (ledger.isLive(ac)) return;
  throw new KernelBug(
    "use-after-free",
    `shared array 0x${ac.toString(16)} is looked at after it was freed: ${ledger.story(ac)}`,
  );
}
