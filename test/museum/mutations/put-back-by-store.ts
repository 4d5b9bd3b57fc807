/** A mutation from outside of the tree: deactivation puts objects back by plain stores. */
import { onSlub } from "../../../src/kernel/classes.ts";
import type { Mutation } from "../../../src/laboratory/mutation.ts";
import { Page } from "../../../src/pages/page.ts";
import { inuseOf, withInuse } from "../../../src/slub/counters.ts";
import type { KmemCachePtr } from "../../../src/slub/structs.ts";

export const putBackByStore: Mutation = {
  id: "X01",
  title: "deactivate_slab puts objects back by plain stores",
  commit: null,
  year: null,
  expect: ["lost-object", "counter-drift"],
  change: onSlub((classes) => ({
    Deactivation: class extends classes.Deactivation {
      protected override returnAllButLast(s: KmemCachePtr, page: number, freelist: number): number {
        const { memory } = this;
        const { freePointers } = this.parts;
        for (let object = freelist; object !== 0; ) {
          const next = freePointers.get(s, object);
          if (next === 0) return object;
          const counters = memory.readOnce(page + Page.counters);
          freePointers.set(s, object, memory.readOnce(page + Page.freelist));
          memory.writeOnce(page + Page.freelist, object);
          memory.writeOnce(page + Page.counters, withInuse(counters, inuseOf(counters) - 1));
          object = next;
        }
        return 0;
      }
    },
  })),
};
