/** A CPU that goes is not flushed: its slabs stay frozen for an owner that never comes back. */
import { onSlub } from "../../kernel/classes.ts";
import type { Mutation } from "./mutation.ts";

export const S17: Mutation = {
  id: "S17",
  title: "a dead CPU is not flushed",
  commit: null,
  year: null,
  expect: ["stuck-frozen-slab"],
  change: onSlub((classes) => ({
    Hotplug: class extends classes.Hotplug {
      override deadCpu(): void {}
    },
  })),
};
