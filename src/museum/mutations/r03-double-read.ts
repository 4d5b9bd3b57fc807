/**
 * The head is read once for the link and once more for the comparison. tid catches what comes in
 * between, so alone this is harmless: a second line of defence that nothing tests. (With R02 it
 * links to an object that is in use.)
 */
import { FREE_PATH, withFreePath } from "./free-path.ts";
import type { Mutation } from "./mutation.ts";

export const R03: Mutation = {
  id: "R03",
  title: "mm: slub: be more careful about the double cmpxchg of freelist",
  commit: "5076190daded",
  year: 2020,
  expect: [],
  change: withFreePath({ ...FREE_PATH, readsTwice: true }),
};
