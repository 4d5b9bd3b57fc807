import { type Exhibit, exhibitOf } from "../exhibit.ts";
import { S04 as mutation } from "../mutations/s04-no-cpu-check.ts";
import { migrationFree } from "../scenarios/migration-free.ts";

export const R06b: Exhibit = exhibitOf(mutation, {
  id: "R06b",
  verification: "V2",

  needs: "M",
  story: [
    "Since 4.0 the fast paths run with preemption on, so tid and the CPU's area are read one after the other.",
    "A task that moves away and back between them compares another CPU's slab and swaps on its own; both lists are empty, and NULL equals NULL.",
    "tid is read again through the area's address, and all is tried again unless the two agree.",
  ],
  scenario: migrationFree,
  class: "wrong-slab",
  preemptions: 2,
});
