/**
 * A tid that counts to eight: three bits of it are compared. Whoever is interrupted for exactly
 * eight operations that leave the same head finds the same tid (ABA again, only rarer).
 */
import { onSlub } from "../../kernel/classes.ts";
import { KmemCacheCpu, nextTid, TID_STEP } from "../../slub/structs.ts";
import type { Mutation } from "./mutation.ts";
import { TWO_OWNERS } from "./two-owners.ts";

const EVENTS = 8;
/** The bits of tid that name the CPU, and the three lowest that count. */
const COMPARED = TID_STEP * EVENTS - 1;

export const S02: Mutation = {
  id: "S02",
  title: "tid wraps after eight operations",
  commit: null,
  year: null,
  expect: TWO_OWNERS,
  change: onSlub((classes) => ({
    Allocator: class extends classes.Allocator {
      protected override updateCpuFreelistFast(
        cpuSlab: number,
        head: number,
        tid: number,
        newHead: number,
      ): boolean {
        const now = this.memory.thisCpuRead(cpuSlab + KmemCacheCpu.tid);
        if (((now ^ tid) & COMPARED) !== 0) return false;
        return this.memory.thisCpuCmpxchgDouble(cpuSlab, head, now, newHead, nextTid(now));
      }
    },
  })),
};
