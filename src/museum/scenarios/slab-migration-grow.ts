import { migratableTask, type SlabScenario, task } from "../../laboratory/scenario.ts";
import { alloc } from "../../laboratory/steps.ts";

export const slabMigrationGrow: SlabScenario = {
  name: "slab-migration-grow",
  story: "A task is moved while it asks for a new slab; the CPU it leaves allocates, too.",
  machine: { cpus: 2, allocator: "slab" },
  setup: [],
  contexts: [migratableTask("A", 0, alloc("x")), task("B", 0, alloc("y"))],
};
