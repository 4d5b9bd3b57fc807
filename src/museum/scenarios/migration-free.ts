import { migratableTask, on, type SlabScenario } from "../../laboratory/scenario.ts";
import { alloc, free } from "../../laboratory/steps.ts";

export const migrationFree: SlabScenario = {
  name: "migration-free",
  story:
    "A task is moved to and fro while it frees an object of the other CPU's slab; both slabs are used up.",
  machine: { cpus: 2 },
  setup: [...on(0, alloc("a", 4)), ...on(1, alloc("b", 4))],
  contexts: [migratableTask("A", 0, free("b.0"))],
};
