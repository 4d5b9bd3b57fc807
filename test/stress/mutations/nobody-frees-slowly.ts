/** Every CPU runs in circles in the slow free paths. */
import type { Mutation } from "../../../src/laboratory/mutation.ts";
import { slowFreesInCircles } from "./endless-slow-frees.ts";

export const nobodyFreesSlowly: Mutation = {
  id: "X03",
  title: "no CPU ever comes out of a slow free",
  commit: null,
  year: null,
  expect: ["livelock"],
  change: slowFreesInCircles(() => true),
};
