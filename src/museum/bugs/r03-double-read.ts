/**
 * The head is read once for the link and once more for the comparison. tid catches what comes in
 * between, so alone this is harmless: a second line of defence that nothing tests. (With R02 it
 * links to an object that is in use.)
 */
import { twoTasksBulk } from "../../laboratory/scenarios/two-tasks-bulk.ts";
import { bug } from "../exhibit.ts";
import { FREE_PATH, withFreePath } from "../free-path.ts";

export const R03 = bug({
  id: "R03",
  title: "mm: slub: be more careful about the double cmpxchg of freelist",
  commit: "5076190daded",
  year: 2020,
  verification: "V3",
  needs: "S",
  story: [
    "A free read the list's head twice: once for the link, once to compare.",
    "What comes in between is caught by tid, so nothing fails, however long one searches.",
    "It is a second line of defence behind a fix like R02's: the exhibit that must stay clean.",
  ],
  expect: [],
  change: withFreePath({ ...FREE_PATH, readsTwice: true }),
  retypes: { "Allocator.slabFreeChain": "97799e27" },
  scenario: twoTasksBulk,
  class: null,
  preemptions: 3,
});
