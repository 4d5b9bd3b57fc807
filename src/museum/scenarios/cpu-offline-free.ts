import { on, type SlabScenario, task } from "../../laboratory/scenario.ts";
import { alloc, cpuOffline, free } from "../../laboratory/steps.ts";

export const cpuOfflineFree: SlabScenario = {
  name: "cpu-offline-free",
  story: "A CPU goes while another frees into the slabs it held.",
  machine: { cpus: 3 },
  setup: on(1, alloc("a", 6), free("a.1")),
  contexts: [task("A", 0, cpuOffline(1)), task("B", 2, free("a.0"), free("a.5"))],
};
