// SPDX-License-Identifier: GPL-2.0-only
import { on, type SlabScenario, task } from "../scenario.ts";
import { alloc, flush, free, mempolicy, mems } from "../steps.ts";

export const interleavedMoved: SlabScenario = {
  name: "interleaved-moved",
  story: "A task that interleaves is confined to one node while it allocates there.",
  machine: { cpus: 2, nodes: 2 },
  setup: [...on(0, alloc("a", 2)), ...on(1, alloc("b", 2), flush())],
  contexts: [
    task("A", 0, mempolicy("interleave", 0, 1), alloc("x", 5), free("x.0")),
    task("B", 1, mems("A", 1), free("b.0")),
  ],
  endsEmpty: "shrunk",
};

export const slabBoundMoved: SlabScenario = {
  name: "slab-bound-moved",
  story: "SLAB takes objects of the node a task is bound to while its cpuset moves elsewhere.",
  machine: { allocator: "slab", cpus: 2, nodes: 2 },
  setup: on(1, alloc("b", 2)),
  contexts: [
    task("A", 0, mempolicy("bind", 1), alloc("x", 2), free("x.0")),
    task("B", 1, mems("A", 0), free("b.0")),
  ],
};
