// SPDX-License-Identifier: GPL-2.0-only
import { on, type SlabScenario, task } from "../scenario.ts";
import { alloc, cpuOffline, cpuOnline, flush, free, nodeOffline, nodeOnline } from "../steps.ts";

export const cpuGoes: SlabScenario = {
  name: "cpu-goes",
  story: "A CPU goes and comes back; what it kept is wanted by another, which flushes.",
  machine: { cpus: 3 },
  setup: [...on(2, alloc("c", 5), free("c.0")), ...on(0, alloc("a"))],
  contexts: [task("A", 0, cpuOffline(2), cpuOnline(2)), task("B", 1, flush(), free("c.1"))],
  endsEmpty: "shrunk",
};

export const nodeGoes: SlabScenario = {
  name: "node-goes",
  story: "The memory of a node goes and comes back while another CPU wants some of it.",
  machine: { cpus: 2, nodes: 2 },
  setup: on(0, alloc("a", 2)),
  contexts: [task("A", 0, nodeOffline(1), nodeOnline(1)), task("B", 1, alloc("x", 2, 1))],
  endsEmpty: "shrunk",
};
