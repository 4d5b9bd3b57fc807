// SPDX-License-Identifier: GPL-2.0-only
import { SLAB_TYPESAFE_BY_RCU } from "../../caches/flags.ts";
import { on, type SlabScenario, task } from "../scenario.ts";
import {
  alloc,
  flush,
  free,
  kfreeRcu,
  rcuBarrier,
  rcuLook,
  shrink,
  synchronizeRcu,
} from "../steps.ts";

export const typesafeReader: SlabScenario = {
  name: "typesafe-reader",
  story: "A reader looks at an object while it is freed and its empty slab goes back.",
  machine: { cpus: 2, flags: SLAB_TYPESAFE_BY_RCU, minPartial: 0 },
  setup: on(0, alloc("a", 5), free("a.1-3"), flush()),
  contexts: [task("A", 0, free("a.0"), shrink()), task("B", 1, rcuLook("a.0"))],
  endsEmpty: "shrunk",
};

export const kfreeRcuReader: SlabScenario = {
  name: "kfree-rcu-reader",
  story: "An object is given to kfree_rcu under its reader, then a second one.",
  machine: { cpus: 2, minPartial: 0 },
  setup: on(0, alloc("a", 5), free("a.1-2"), flush()),
  contexts: [
    task("A", 0, kfreeRcu("a.0"), kfreeRcu("a.3"), rcuBarrier(), shrink()),
    task("B", 1, rcuLook("a.0"), rcuLook("a.3")),
  ],
  endsEmpty: "shrunk",
};

export const gracePeriods: SlabScenario = {
  name: "grace-periods",
  story:
    "Two tasks wait for grace periods, of which the second cannot begin before the first ends.",
  machine: { cpus: 3 },
  setup: on(2, alloc("x", 2)),
  contexts: [
    task("A", 0, synchronizeRcu()),
    task("B", 1, synchronizeRcu()),
    task("C", 2, shrink()),
  ],
};
