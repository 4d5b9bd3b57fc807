/**
 * The swap of a fast path compares the head alone. An interrupt that takes two objects and gives the
 * first back leaves the same head with another next pointer: the swap succeeds, and the second
 * object, in use, heads the list (ABA). The first lockless fast path was like this.
 */
import { onSlub } from "../../kernel/classes.ts";
import type { Mutation } from "./mutation.ts";
import { TWO_OWNERS } from "./two-owners.ts";

export const S01: Mutation = {
  id: "S01",
  title: "tid is not compared: the first lockless fast path (reverted by 00e962c5408b in 2008)",
  commit: null,
  year: null,
  expect: TWO_OWNERS,
  change: onSlub((classes) => ({
    Allocator: class extends classes.Allocator {
      protected override updateCpuFreelistFast(
        cpuSlab: number,
        head: number,
        _tid: number,
        newHead: number,
      ): boolean {
        return this.memory.thisCpuCmpxchg(cpuSlab, head, newHead) === head;
      }
    },
  })),
};
