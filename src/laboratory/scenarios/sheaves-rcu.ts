// SPDX-License-Identifier: GPL-2.0-only
/** Sheaves of kfree_rcu against barriers, the end of the cache, and CPUs that go. */
import { on, type SlabScenario, task } from "../scenario.ts";
import { allocFromSheaf, prefill, returnSheaf } from "../sheaf-steps.ts";
import {
  alloc,
  call,
  cpuOffline,
  create,
  destroy,
  flush,
  free,
  kfreeRcu,
  rcuLook,
  shrink,
} from "../steps.ts";

const machine = { cpus: 2, kernel: "7.1", sheafCapacity: 2 } as const;

/** kvfree_rcu_barrier_on_cache */
const barrier = call("kvfree-rcu-barrier", ({ system, s }) => {
  const { sheafCalls } = system.allocator;
  system.common.withCpusStaying(() => sheafCalls?.flushRcuSheaves(s));
  system.machine.rcu.barrier();
  return undefined;
});

export const sheavesRcuBarrier: SlabScenario = {
  name: "sheaves-rcu-barrier",
  story: "A sheaf of kfree_rcu fills up and goes to RCU while a barrier collects it.",
  machine,
  setup: on(0, alloc("a", 4), kfreeRcu("a.0")),
  contexts: [task("A", 0, kfreeRcu("a.1"), kfreeRcu("a.2")), task("B", 1, barrier)],
  endsEmpty: "shrunk",
};

export const sheavesRcuDestroy: SlabScenario = {
  name: "sheaves-rcu-destroy",
  story: "A cache goes right after its last object was given to kfree_rcu on another CPU.",
  machine,
  setup: [...on(0, alloc("a", 3), kfreeRcu("a.0")), ...on(1, kfreeRcu("a.1"), kfreeRcu("a.2"))],
  contexts: [task("A", 0, destroy())],
};

export const sheavesRcuReader: SlabScenario = {
  name: "sheaves-rcu-reader",
  story: "A sheaf of kfree_rcu fills up under a reader of its objects, and its CPU allocates.",
  machine,
  setup: on(0, alloc("a", 2)),
  contexts: [
    task("A", 0, kfreeRcu("a.0"), kfreeRcu("a.1"), alloc("x", 2)),
    task("B", 1, rcuLook("a.0")),
  ],
  endsEmpty: "shrunk",
};

export const sheavesFlush: SlabScenario = {
  name: "sheaves-flush",
  story: "Every CPU gives its sheaves up while one of them goes on.",
  machine,
  setup: on(0, alloc("a", 6), free("a.0-3"), kfreeRcu("a.5")),
  contexts: [task("A", 1, flush()), task("B", 0, alloc("x", 2), free("a.4"))],
  endsEmpty: "shrunk",
};

export const sheavesWorkAndCall: SlabScenario = {
  name: "sheaves-work-and-call",
  story:
    "A task sleeps until another CPU has flushed its sheaves; one on its CPU calls that CPU, and may not sleep.",
  machine,
  setup: [...on(0, create("c", 200), alloc("a", 4)), ...on(1, alloc("b", 4))],
  contexts: [task("A", 0, shrink()), task("B", 0, destroy("c"))],
};

export const sheavesCpuOffline: SlabScenario = {
  name: "sheaves-cpu-offline",
  story: "A CPU goes, and another empties its sheaves, while a third uses the same slabs and barn.",
  machine: { ...machine, cpus: 3 },
  setup: on(1, alloc("a", 8), free("a.0-2"), kfreeRcu("a.3")),
  contexts: [task("A", 0, cpuOffline(1)), task("B", 2, alloc("x", 2), free("a.4"))],
  endsEmpty: "shrunk",
};

export const sheavesPrefill: SlabScenario = {
  name: "sheaves-prefill",
  story:
    "A task takes the spare sheaf for itself and brings it back half empty, beside other tasks.",
  machine,
  setup: on(0, alloc("a", 8), free("a.0-3")),
  contexts: [
    task("A", 0, prefill("s", 2), allocFromSheaf("x", "s"), returnSheaf("s")),
    task("B", 0, free("a.4"), alloc("y", 2)),
  ],
  endsEmpty: "shrunk",
};
