/** Putting a slab on a list also takes the list_lock of the cache of caches. */
import { inTurn, onSlab, onSlub } from "../../../src/kernel/classes.ts";
import type { Mutation } from "../../../src/laboratory/mutation.ts";
import type { ListEnd } from "../../../src/slub/node-partial.ts";

export const twoListLocks: Mutation = {
  id: "X12",
  title: "a second list_lock is taken under a list_lock",
  commit: null,
  year: null,
  expect: ["lock-order"],
  change: inTurn(
    onSlub((classes) => ({
      NodePartial: class extends classes.NodePartial {
        override add(n: number, page: number, end: ListEnd): void {
          const other = this.context.nodeOf(this.context.common.kmemCache, 0);
          if (other !== n) this.lock(other);
          super.add(n, page, end);
          if (other !== n) this.unlock(other);
        }
      },
    })),
    onSlab((classes) => ({
      NodeLists: class extends classes.NodeLists {
        override addPartialTail(n: number, page: number): void {
          const other = this.context.nodeOf(this.context.common.kmemCache, 0);
          if (other !== n) this.lock(other);
          super.addPartialTail(n, page);
          if (other !== n) this.unlock(other);
        }
      },
    })),
  ),
};
