import { type Exhibit, exhibitOf } from "../exhibit.ts";
import { S18 as mutation } from "../mutations/s18-flush-from-afar.ts";
import { allocFlushAll } from "../scenarios/alloc-flush-all.ts";

export const S18: Exhibit = exhibitOf(mutation, {
  verification: null,

  needs: "X",
  story: [
    "Whoever flushes edits the other CPUs' slabs itself.",
    "A CPU in its fast path has its list taken away under it, and no tid says so in time.",
    "Each CPU is asked to flush itself.",
  ],
  scenario: allocFlushAll,
  class: "bad-access",
  preemptions: 1,
});
