// SPDX-License-Identifier: GPL-2.0-only
/** A check for a failure of SLAB that no other check sees: a shared array is read after it was freed. */
import { Ledger } from "../check/ledger.ts";
import { type Change, onSlab } from "../kernel/classes.ts";
import { KernelBug } from "../machine/kernel-bug.ts";
import type { PagePtr } from "../pages/page.ts";
import type { HowMany } from "../slab/drain.ts";
import type { SlabClasses } from "../slab/kernels.ts";
import { RefillUnlocked } from "../slab/refill-unlocked.ts";
import type { SlabContext } from "../slab/slab-context.ts";
import type { ArrayCachePtr, KmemCacheNodePtr, KmemCachePtr } from "../slab/structs.ts";

/** SLAB that fails where it looks at a shared array that was freed. */
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
