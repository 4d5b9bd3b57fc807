/**
 * While pages were asked for, interrupts were on, and another context has given this CPU a slab.
 * The new slab is installed over it: the other stays frozen, and its free objects are lost.
 */
import { onSlub } from "../../kernel/classes.ts";
import { task } from "../../laboratory/scenario.ts";
import { alloc } from "../../laboratory/steps.ts";
import { bug } from "../exhibit.ts";

export const R10 = bug({
  id: "R10",
  title: "SLUB: fix memory leak by not reusing cpu_slab",
  commit: "05aa345034de",
  year: 2008,
  verification: "U",
  isIdUnconfirmed: true,
  needs: "S",
  story: [
    "While a new slab was asked for, interrupts were on.",
    "Another allocation of the same CPU has installed a slab meanwhile, and the first one installs its own over it.",
    "Whatever slab the CPU has by then is flushed first.",
  ],
  expect: ["stuck-frozen-slab", "lost-object"],
  change: onSlub((classes) => ({
    SlowAllocation: class extends classes.SlowAllocation {
      protected override flushIntruder(): void {}
    },
  })),
  scenario: {
    name: "two-allocations",
    story: "Two tasks of one CPU allocate from a cache without slabs.",
    machine: {},
    setup: [],
    contexts: [task("A", 0, alloc("x")), task("B", 0, alloc("y"))],
  },
  class: "stuck-frozen-slab",
  preemptions: 1,
});
