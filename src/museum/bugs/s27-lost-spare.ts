// SPDX-License-Identifier: GPL-2.0-only
import { onSheafParts } from "../../kernel/classes.ts";
import { task } from "../../laboratory/scenario.ts";
import { call, type Step } from "../../laboratory/steps.ts";
import type { SheafPtr } from "../../slub/sheaves/structs.ts";
import type { KmemCachePtr } from "../../slub/structs.ts";
import { bug } from "../exhibit.ts";

/** A sheaf that was used in part becomes the spare, and is asked for again. */
const useInPart: Step = call("prefill 4, take 1, return; prefill 2, return", (lab) => {
  const { system, s } = lab;
  const first = system.kmemCachePrefillSheaf(s, 4);
  const object = system.allocFromSheaf(s, first);
  system.returnSheaf(s, first);
  const second = system.kmemCachePrefillSheaf(s, 2);
  system.returnSheaf(s, second);
  return { x: [object] };
});

export const S27 = bug({
  id: "S27",
  title: "sheaves: prefill forgets a spare that is neither full nor empty",
  needs: "0",
  story: [
    "Prefill takes the spare away from the CPU and, as it is neither full nor empty, goes on to the barn without it.",
    "The sheaf and the objects in it are nowhere any more.",
    "A spare may hold any number of objects, since a returned sheaf becomes one; prefill fills it up.",
  ],
  expect: ["lost-object", "counter-drift"],
  change: onSheafParts((classes) => ({
    Prefill: class extends classes.Prefill {
      protected override takeSheaf(s: KmemCachePtr): SheafPtr {
        const { sheaves, sheafLock } = this.parts;
        const pcs = sheafLock.lock(s);
        const spare = sheafLock.spare(pcs);
        const size = spare === 0 ? 0 : sheaves.size(spare);
        if (size > 0 && size < sheaves.capacityOf(s)) sheafLock.setSpare(pcs, 0);
        sheafLock.unlock(pcs);
        return super.takeSheaf(s);
      }
    },
  })),
  scenario: {
    name: "sheaf-partial-spare",
    story: "A prefilled sheaf is used in part and returned, and another is asked for.",
    machine: { kernel: "7.1", size: 4096 },
    setup: [],
    contexts: [task("A", 0, useInPart)],
  },
  class: "counter-drift",
  preemptions: 0,
});
