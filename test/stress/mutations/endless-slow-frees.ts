/** CPUs run in circles in the slow free paths of both allocators, and ask for nothing meanwhile. */
import { inTurn, onSlab, onSlub } from "../../../src/kernel/classes.ts";
import type { Mutation } from "../../../src/laboratory/mutation.ts";
import type { Address, Memory } from "../../../src/machine/memory.ts";
import type { PagePtr } from "../../../src/pages/page.ts";
import type { ArrayCachePtr, KmemCachePtr } from "../../../src/slab/structs.ts";

/** For those CPUs that `isStuck` names, while it does. */
export const slowFreesInCircles = (isStuck: (cpu: number) => boolean): Mutation["change"] => {
  const circle = (memory: Memory): void => {
    while (isStuck(memory.smpProcessorId()));
  };
  const inSlub = onSlub((classes) => ({
    SlowFree: class extends classes.SlowFree {
      override free(s: KmemCachePtr, page: PagePtr, head: Address, tail: Address, n: number): void {
        circle(this.memory);
        super.free(s, page, head, tail, n);
      }
    },
  }));
  const inSlab = onSlab((classes) => ({
    Flush: class extends classes.Flush {
      override flush(s: KmemCachePtr, ac: ArrayCachePtr): void {
        circle(this.memory);
        super.flush(s, ac);
      }
    },
  }));
  return inTurn(inSlub, inSlab);
};

export const endlessSlowFrees: Mutation = {
  id: "X02",
  title: "CPU 1 never comes out of a slow free",
  commit: null,
  year: null,
  expect: ["livelock"],
  change: slowFreesInCircles((cpu) => cpu === 1),
};
