/**
 * tid is read after the slab was compared. If the CPU gives that slab up in between, the tid is
 * fresh and the swap succeeds: the object goes on the list of another slab, or of none.
 */
import { FREE_PATH, withFreePath } from "./free-path.ts";
import type { Mutation } from "./mutation.ts";

export const S03: Mutation = {
  id: "S03",
  title: "tid is read after what it guards",
  commit: null,
  year: null,
  expect: ["lost-object", "wrong-slab", "counter-drift", "use-after-free"],
  change: withFreePath({ ...FREE_PATH, tidFirst: false }),
};
