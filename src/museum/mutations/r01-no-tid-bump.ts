/**
 * Where the slow path drops the cpu slab, tid stays as it was. A free that was interrupted after it
 * compared the slab then pushes on a list that is nobody's, and the object is overwritten and lost.
 * The seed's own state, for eleven years (CVE-2022-49700).
 */
import { onSlub } from "../../kernel/classes.ts";
import { seedEra } from "../../slub/cpu-slab/era-seed.ts";
import type { Mutation } from "./mutation.ts";

export const R01: Mutation = {
  id: "R01",
  title: "mm/slub: add missing TID updates on slab deactivation",
  commit: "eeaa345e1285",
  year: 2022,
  expect: ["lost-object", "wrong-slab", "counter-drift", "use-after-free"],
  change: onSlub(seedEra),
};
