// SPDX-License-Identifier: GPL-2.0-only
import { onSheafParts } from "../../kernel/classes.ts";
import { on, task } from "../../laboratory/scenario.ts";
import { alloc, call, type Step } from "../../laboratory/steps.ts";
import { withLostLocals } from "../../slub/sheaves/lost-locals.ts";
import { bug } from "../exhibit.ts";

/** 32 objects of the other node are a full batch; the last object examined completes it. */
const bulkFree: Step = call("bulk-free l and r", ({ system, s }, names) => {
  const objects = [...names("l"), ...names("r")];
  system.kmemCacheFreeBulk(s, objects.length, objects);
  return undefined;
});

export const R27 = bug({
  id: "R27",
  title: "slub: kmem_cache_free_bulk loses the objects of its own node",
  verification: "K",
  needs: "0",
  story: [
    "A bulk free sorts out the objects of other nodes, in batches of 32, and returns once the last object examined has completed a batch.",
    "The objects of this node, which were to go into sheaves after that, are never freed; recorded on 6.19.0 and 7.1.5.",
    "The objects that are left go on into the sheaves.",
  ],
  expect: ["lost-object"],
  change: onSheafParts(withLostLocals),
  scenario: {
    name: "sheaf-bulk-free-two-nodes",
    story: "One bulk free of 32 objects of the other node and two of its own.",
    machine: { kernel: "7.1", cpus: 2, nodes: 2 },
    setup: [...on(0, alloc("r", 32)), ...on(1, alloc("l", 2))],
    contexts: [task("A", 1, bulkFree)],
  },
  class: "lost-object",
  preemptions: 0,
});
