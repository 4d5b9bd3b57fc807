/**
 * tid is read after the slab was compared. If the CPU gives that slab up in between, the tid is
 * fresh and the swap succeeds: the object goes on the list of another slab, or of none.
 */
import { onSlub } from "../../kernel/classes.ts";
import { interrupt, on, task } from "../../laboratory/scenario.ts";
import { alloc, free } from "../../laboratory/steps.ts";
import type { Address } from "../../machine/memory.ts";
import { KmemCacheCpu } from "../../slub/structs.ts";
import { bug } from "../exhibit.ts";

export const S03 = bug({
  id: "S03",
  title: "tid is read after what it guards",
  needs: "S",
  story: [
    "tid is read after the slab was compared instead of before.",
    "If the CPU gives that slab up in between, the tid is fresh and the swap succeeds on another slab's list, or on nobody's.",
    "Read first what guards the rest.",
  ],
  expect: ["lost-object", "wrong-slab", "counter-drift", "use-after-free"],
  change: onSlub((classes) => ({
    Allocator: class extends classes.Allocator {
      protected override updateCpuFreelistFast(
        cpuSlab: Address,
        head: Address,
        _tid: number,
        newHead: Address,
      ): boolean {
        const late = this.memory.thisCpuRead(cpuSlab + KmemCacheCpu.tid);
        return super.updateCpuFreelistFast(cpuSlab, head, late, newHead);
      }
    },
  })),
  scenario: {
    name: "interrupt-free",
    story: "An interrupt takes the last objects of the cpu slab while one of it is being freed.",
    machine: {},
    setup: on(0, alloc("a", 4)),
    contexts: [task("A", 0, free("a.0")), interrupt("irq", 0, alloc("p"))],
  },
  class: "lost-object",
  preemptions: 1,
});
