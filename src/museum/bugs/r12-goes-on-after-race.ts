/**
 * A remote free in the middle of taking a listed slab makes the search go on instead of ending it.
 * Nothing breaks: fewer slabs are made, and under contention the list is fought for, which cost so
 * much that the change was reverted. The checks are silent; a benchmark speaks.
 */
import { onSlub } from "../../kernel/classes.ts";
import { freeGetPartial } from "../../laboratory/scenarios/free-get-partial.ts";
import type { PagePtr } from "../../pages/page.ts";
import { bug } from "../exhibit.ts";

export const R12 = bug({
  id: "R12",
  title: "mm, slub: consider rest of partial list if acquire_slab() fails (8ff60eb052ee, reverted)",
  commit: "9b1ea29bc0d7",
  year: 2021,
  verification: "V3",
  needs: "X",
  story: [
    "A search for partial slabs ended at the first one that a remote free had changed under it.",
    "Going on with the rest was meant to make fewer new slabs.",
    "It cost so much under contention that it was reverted: no check fails, only a benchmark.",
  ],
  expect: [],
  change: onSlub((classes) => ({
    PartialSearch: class extends classes.PartialSearch {
      protected override afterLostRace(next: PagePtr): PagePtr {
        return next;
      }
    },
  })),
  scenario: freeGetPartial,
  class: null,
  preemptions: 2,
});
