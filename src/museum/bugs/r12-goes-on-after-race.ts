// SPDX-License-Identifier: GPL-2.0-only
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
    "A search for partial slabs ends at the first slab that a remote free changed under it; this commit made it go on with the rest, to make fewer new slabs.",
    "Going on cost so much under contention on the list that the commit was reverted.",
    "No check fails: only a benchmark shows the difference.",
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
