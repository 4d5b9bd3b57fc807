/**
 * The reaper's work is queued again without saying on which CPU, and ends up on the first one: the
 * arrays of the others are never looked at again, and what they hold never comes back.
 */
import { onSlab } from "../../kernel/classes.ts";
import type { Mutation } from "./mutation.ts";

export const R32: Mutation = {
  id: "R32",
  title: "mm, slab: reschedule cache_reap() on the same CPU",
  commit: "a9f2a846f050",
  year: 2018,
  expect: ["leaked-page"],
  change: onSlab((form) => ({
    Reaper: class extends form.Reaper {
      protected override queueAgain(cpu: number, jiffies: number): void {
        if (cpu !== 0) this.stop(cpu);
        super.queueAgain(0, jiffies);
      }
    },
  })),
};
