/**
 * The node of c->page is looked up without asking whether there is a page: an interrupt that
 * flushes the CPU between the two reads leaves NULL. tid would have caught the rest, but what is not
 * yet validated was followed. Fixed in 2013, undone as needless in 2019, fixed again.
 */
import { onSlub } from "../../kernel/classes.ts";
import { NUMA_NO_NODE } from "../../machine/topology.ts";
import { Page, type PagePtr, PG_NODE_MASK, PG_NODE_SHIFT } from "../../pages/page.ts";
import type { Mutation } from "./mutation.ts";

export const R05: Mutation = {
  id: "R05",
  title: "mm/slub: fix panic in slab_alloc_node()",
  commit: "22e4663e9168",
  year: 2020,
  expect: ["bad-access"],
  change: onSlub((classes) => ({
    Allocator: class extends classes.Allocator {
      protected override nodeMatch(page: PagePtr, node: number): boolean {
        if (node === NUMA_NO_NODE) return true;
        return ((this.memory.read32(page + Page.flags) >>> PG_NODE_SHIFT) & PG_NODE_MASK) === node;
      }
    },
  })),
};
