// SPDX-License-Identifier: GPL-2.0-only
import { onSheafParts } from "../../kernel/classes.ts";
import { interrupt, on, task } from "../../laboratory/scenario.ts";
import { alloc, free } from "../../laboratory/steps.ts";
import type { BarnPtr, CpuSheavesPtr, SheafPtr } from "../../slub/sheaves/structs.ts";
import type { KmemCachePtr } from "../../slub/structs.ts";
import { bug } from "../exhibit.ts";

export const S22 = bug({
  id: "S22",
  title: "sheaves: after a refill the main sheaf is taken to be empty still",
  needs: "S",
  story: [
    "While a sheaf was refilled without the lock, the main sheaf is taken to have stayed empty.",
    "An interrupt has freed into it meanwhile, or the task is on another CPU: a sheaf with objects goes to the barn as an empty one.",
    "What the CPU has is looked at again under the lock, and each state found has its rule.",
  ],
  expect: ["list-corruption", "lost-object", "double-allocation", "counter-drift"],
  change: onSheafParts((classes) => ({
    MainSheaf: class extends classes.MainSheaf {
      protected override installFull(
        s: KmemCachePtr,
        full: SheafPtr,
        barn: BarnPtr,
      ): CpuSheavesPtr {
        const pcs = this.relock(s);
        if (pcs === 0) {
          this.barns.putFull(barn, full);
          return 0;
        }
        this.keepEmpty(pcs, this.lock.main(pcs), barn);
        this.lock.setMain(pcs, full);
        return pcs;
      }
    },
  })),
  retypes: { "MainSheaf.installFull": "47d4528d" },
  scenario: {
    name: "sheaf-interrupt-refill",
    story: "An interrupt frees more than a sheaf holds anywhere in an allocation that refills one.",
    machine: { kernel: "7.1", size: 4096 },
    setup: on(0, alloc("a", 8)),
    contexts: [task("A", 0, alloc("x")), interrupt("irq", 0, free("a.0-4"))],
  },
  class: "list-corruption",
  preemptions: 1,
});
