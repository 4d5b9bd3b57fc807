/**
 * A remote free in the middle of taking a listed slab makes the search go on instead of ending it.
 * Nothing breaks: fewer slabs are made, and under contention the list is fought for, which cost so
 * much that the change was reverted. The checks are silent; a benchmark speaks.
 */
import type { Mutation } from "./mutation.ts";

export const R12: Mutation = {
  id: "R12",
  title: "mm, slub: consider rest of partial list if acquire_slab() fails (8ff60eb052ee, reverted)",
  commit: "9b1ea29bc0d7",
  year: 2021,
  expect: [],
  change: (classes) => ({
    ...classes,
    PartialSearch: class extends classes.PartialSearch {
      protected override givesUpAfterRace(): boolean {
        return false;
      }
    },
  }),
};
