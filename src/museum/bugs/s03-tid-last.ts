// SPDX-License-Identifier: GPL-2.0-only
import { onSlub } from "../../kernel/classes.ts";
import { interrupt, on, task } from "../../laboratory/scenario.ts";
import { alloc, free } from "../../laboratory/steps.ts";
import type { Address } from "../../machine/memory.ts";
import { KmemCacheCpu } from "../../slub/structs.ts";
import { bug } from "../exhibit.ts";
import { TWO_OWNERS } from "../two-owners.ts";

export const S03 = bug({
  id: "S03",
  title: "tid is read after what it guards",
  needs: "S",
  story: [
    "The fast path reads tid after it compared the slab instead of before.",
    "If the CPU gives up that slab in between, tid is fresh and the swap succeeds on the list of another slab, or of none.",
    "tid is read before everything that it guards.",
  ],
  expect: TWO_OWNERS,
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
