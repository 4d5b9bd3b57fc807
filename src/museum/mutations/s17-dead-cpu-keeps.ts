/** A CPU that goes is not flushed: its slabs stay frozen for an owner that never comes back. */
import { onSlub } from "../../kernel/classes.ts";
import { Hotplug } from "../../slub/hotplug.ts";
import type { Mutation } from "./mutation.ts";

class Forgetful extends Hotplug {
  override deadCpu(): void {}
}

export const S17: Mutation = {
  id: "S17",
  title: "a dead CPU is not flushed",
  commit: null,
  year: null,
  expect: ["stuck-frozen-slab"],
  change: onSlub((classes) => ({
    Allocator: class extends classes.Allocator {
      override readonly hotplug = new Forgetful(this);
    },
  })),
};
