// SPDX-License-Identifier: GPL-2.0-only
import { twoTasksBulk } from "../../laboratory/scenarios/two-tasks-bulk.ts";
import { bug } from "../exhibit.ts";
import { FREE_PATH, withFreePath } from "../free-path.ts";

/** Harmless as long as tid is compared; together with R02 it links to an object in use. */
export const R03 = bug({
  id: "R03",
  title: "mm: slub: be more careful about the double cmpxchg of freelist",
  commit: "5076190daded",
  year: 2020,
  verification: "V3",
  needs: "S",
  story: [
    "A free read the head of the list twice: once for the link, once for the comparison.",
    "tid catches every change between the two reads, so no search finds a failure.",
    "The fix is a second line of defence behind fixes like that of R02: this exhibit must stay clean.",
  ],
  expect: [],
  change: withFreePath({ ...FREE_PATH, readsTwice: true }),
  retypes: { "Allocator.slabFreeChain": "09ee87e6" },
  scenario: twoTasksBulk,
  class: null,
  preemptions: 3,
});
