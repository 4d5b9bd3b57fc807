import { type Exhibit, exhibitOfUse } from "../exhibit.ts";
import { cpuSlabs, cpuSlabsTwice } from "../scenarios/cpu-slabs-twice.ts";

export const R14: Exhibit = exhibitOfUse(
  {
    id: "R14",
    title: "slub: avoid potential NULL dereference or corruption",
    commit: "bc6697d8a506",
    year: 2011,
  },
  {
    verification: "V2-",
    needs: "X",
    story: [
      "show_slab_objects asked whether another CPU has a slab, and read the pointer again to use it.",
      "The CPU gives its slab up in between, and the reader follows NULL.",
      "The pointer is read once.",
    ],
    scenario: cpuSlabs,
    brokenScenario: cpuSlabsTwice,
    class: "bad-access",
    preemptions: 1,
  },
);
