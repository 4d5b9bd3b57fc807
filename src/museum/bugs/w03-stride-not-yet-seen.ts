// SPDX-License-Identifier: GPL-2.0-only
import type { SlabObjExts } from "../../caches/memcg/slab-obj-exts.ts";
import { onGroups } from "../../kernel/group-classes.ts";
import type { PagePtr } from "../../pages/page.ts";
import { bug } from "../exhibit.ts";
import { R26 } from "./r26-late-stride.ts";

export const W03 = bug({
  id: "W03",
  title: "mm/slab: initialize slab->stride early, where the writer is in order",
  commit: "e9217ca77dc3",
  year: 2026,
  verification: "V2",
  needs: "X",
  memory: "weak",
  story: [
    "The distance of a vector's entries was written before the vector was published, but not before the slab.",
    "Another CPU loads the distance early and the vector late, and enters its object in the place of another.",
    "The distance is written when the slab is made, before any other CPU can see it.",
  ],
  expect: ["counter-drift", "bad-access"],
  change: onGroups<typeof SlabObjExts>(
    (Groups) =>
      class extends Groups {
        override slabMade(): void {}

        protected override publish(page: PagePtr, data: number): boolean {
          this.setStride(page);
          return super.publish(page, data);
        }
      },
  ),
  scenario: { ...R26.scenario, name: "two-charge-in-order" },
  class: "counter-drift",
  preemptions: 2,
});
