import { interrupt, on, type SlabScenario, task } from "../../laboratory/scenario.ts";
import { alloc, free } from "../../laboratory/steps.ts";

export const tidWrap: SlabScenario = {
  name: "tid-wrap",
  story: "An interrupt makes eight operations that leave the list's head as it was.",
  machine: {},
  setup: on(0, alloc("a"), free("a")),
  contexts: [
    task("A", 0, alloc("x")),
    interrupt("irq", 0, [
      alloc("p"),
      alloc("q"),
      alloc("r"),
      free("p"),
      alloc("p"),
      free("p"),
      alloc("p"),
      free("p"),
    ]),
  ],
};
