// SPDX-License-Identifier: GPL-2.0-only
import { onSheafParts } from "../../kernel/classes.ts";
import { on, task } from "../../laboratory/scenario.ts";
import { alloc, free } from "../../laboratory/steps.ts";
import { Barn, type BarnPtr, type SheafPtr } from "../../slub/sheaves/structs.ts";
import { bug } from "../exhibit.ts";

export const S23 = bug({
  id: "S23",
  title: "sheaves: the barn counts a full sheaf after its lock is dropped",
  needs: "X",
  story: [
    "The sheaf is put on the barn's list under the lock, and counted after it.",
    "Two CPUs of the node that do so at once lose a count: the barn holds more full sheaves than it says, and its limit no longer holds.",
    "List and count change together, under the lock; without it the count is only read, as a hint.",
  ],
  expect: ["counter-drift"],
  change: onSheafParts((classes) => ({
    Barns: class extends classes.Barns {
      override putFull(barn: BarnPtr, sheaf: SheafPtr): void {
        const { memory } = this;
        super.putFull(barn, sheaf);
        const flags = memory.irqSave();
        memory.writeOnce(barn + Barn.nrFull, this.nrFull(barn) - 1);
        memory.irqRestore(flags);
        memory.writeOnce(barn + Barn.nrFull, this.nrFull(barn) + 1);
      }
    },
  })),
  scenario: {
    name: "sheaf-two-cpus-put",
    story: "Two CPUs of a node free into full sheaves, and each puts one into the barn.",
    machine: { kernel: "7.1", cpus: 2, size: 4096 },
    setup: [...on(0, alloc("a", 12), free("a.0-7")), ...on(1, alloc("b", 12), free("b.0-7"))],
    contexts: [task("A", 0, free("a.8")), task("B", 1, free("b.8"))],
  },
  class: "counter-drift",
  preemptions: 1,
});
