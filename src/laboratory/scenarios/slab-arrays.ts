// SPDX-License-Identifier: GPL-2.0-only
import { migratableTask, on, type SlabScenario, task } from "../scenario.ts";
import { alloc, free, minFree, reap, tune } from "../steps.ts";

export const slabTwoFlushes: SlabScenario = {
  name: "slab-two-flushes",
  story: "Two CPUs flush their arrays into one shared array.",
  machine: { cpus: 2, allocator: "slab" },
  setup: [...on(0, tune(2, 1, 1), alloc("a", 8)), ...on(1, alloc("b"))],
  contexts: [
    task("A", 0, ...[0, 1, 2, 3].map((i) => free(`a.${i}`))),
    task("B", 1, ...[4, 5, 6, 7].map((i) => free(`a.${i}`)), alloc("y")),
  ],
};

export const slabReapMoves: SlabScenario = {
  name: "slab-reap-moves",
  story: "The reaper moves to another CPU while its own array is in use.",
  machine: { cpus: 2, allocator: "slab" },
  setup: on(0, tune(4, 2, 1), alloc("a", 6), free("a.0-2")),
  contexts: [migratableTask("A", 0, reap()), task("B", 0, alloc("y"), free("a.3"))],
};

export const slabReapAliens: SlabScenario = {
  name: "slab-reap-aliens",
  story: "Alien caches are reaped while another CPU frees into them.",
  machine: { cpus: 2, nodes: 2, allocator: "slab" },
  setup: [...on(0, tune(2, 1, 1), alloc("a", 6)), ...on(1, free("a.0"), free("a.1"))],
  contexts: [task("A", 0, reap(), tune(3, 1, 1)), task("B", 1, free("a.2"), free("a.3"), reap())],
};

export const slabTuneNodes: SlabScenario = {
  name: "slab-tune-nodes",
  story: "The arrays of two nodes are replaced while one of them is in use.",
  machine: { cpus: 2, nodes: 2, allocator: "slab" },
  setup: [
    ...on(0, tune(4, 2, 1), alloc("a", 3), free("a.0")),
    ...on(1, alloc("b", 4), free("b.0-1")),
  ],
  contexts: [task("A", 0, tune(3, 1, 1)), task("B", 1, alloc("y"), free("b.2"))],
};

export const slabReserveGoes: SlabScenario = {
  name: "slab-reserve-goes",
  story: "A reserved slab becomes one for everybody while an object of it is freed.",
  machine: { cpus: 2, allocator: "slab", kernel: "6.1" },
  setup: on(
    0,
    tune(2, 1, 0),
    minFree(65_536),
    alloc("a", 12, -1, "memalloc"),
    ...[1, 5, 9].map((first) => free(`a.${first}-${first + 2}`)),
  ),
  contexts: [task("A", 0, alloc("x")), task("B", 1, free("a.0"), alloc("y", 1, -1, "memalloc"))],
};
