/**
 * The push on the cpu partial list compares and stores in two steps, as the generic this_cpu_cmpxchg
 * did: safe against preemption, not against an interrupt that pushes another slab in between. That
 * slab is dropped: frozen, and owned by nobody.
 */
import { onSlub } from "../../kernel/classes.ts";
import type { PagePtr } from "../../pages/page.ts";
import type { Mutation } from "./mutation.ts";
import { TWO_OWNERS } from "./two-owners.ts";

export const R08: Mutation = {
  id: "R08",
  title: "slub: use irqsafe_cpu_cmpxchg for put_cpu_partial",
  commit: "42d623a8cd08",
  year: 2011,
  // A drain in between leaves slabs on a node's list and on the CPU's.
  expect: TWO_OWNERS,
  change: onSlub((classes) => ({
    CpuPartial: class extends classes.CpuPartial {
      protected override push(partial: number, head: PagePtr, page: PagePtr): boolean {
        const { memory } = this;
        if (memory.thisCpuRead(partial) !== head) return false;
        memory.writeOnce(memory.thisCpuPtr(partial), page);
        return true;
      }
    },
  })),
};
