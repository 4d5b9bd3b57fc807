/**
 * tid and the pointer to the CPU's area are taken without checking that they are of one CPU. A task
 * that moves to another CPU and back compares that CPU's slab and swaps on its own: where both lists
 * are empty, NULL equals NULL, and the object goes on the wrong slab's list.
 */
import { FREE_PATH, withFreePath } from "./free-path.ts";
import type { Mutation } from "./mutation.ts";

export const S04: Mutation = {
  id: "S04",
  title: "tid is not read again after the area's address (R06b)",
  commit: "9aabf810a67c",
  year: 2014,
  expect: ["wrong-slab", "lost-object", "counter-drift", "use-after-free"],
  change: withFreePath({ ...FREE_PATH, checksCpu: false }),
};
