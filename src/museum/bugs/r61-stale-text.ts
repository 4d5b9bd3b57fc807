// SPDX-License-Identifier: GPL-2.0-only
import { SLAB_RECLAIM_ACCOUNT } from "../../caches/flags.ts";
import type { KmemCachePtr } from "../../caches/kmem-cache.ts";
import { type ChildCaches, MemcgCacheParams } from "../../caches/memcg/child-caches.ts";
import { onGroups } from "../../kernel/group-classes.ts";
import { on, task } from "../../laboratory/scenario.ts";
import { alloc, call, enter, free, group, leave, work } from "../../laboratory/steps.ts";
import { SlabSysfs } from "../../sysfs/sysfs.ts";
import { bug } from "../exhibit.ts";

/** What is written to a file of the root is propagated from then on; the shell does it, not a step. */
const writeMinPartial = call("write 5 to /sys/kernel/slab/scenario/min_partial", ({ system }) => {
  new SlabSysfs(system).write("scenario", "min_partial", "5");
  return undefined;
});

export const R61 = bug({
  id: "R61",
  title: "slub/memcg: Cure the brainless abuse of sysfs attributes",
  commit: "478fe3037b22",
  year: 2017,
  verification: "V1",
  isIdUnconfirmed: true,
  needs: "0",
  story: [
    "A group's new cache is set up by reading each file of its root and writing the text to its own, and some files print nothing.",
    "The text of the file before is still in the buffer: the 1 of reclaim_account is written to shrink, by a task that holds the locks which shrinking takes.",
    "A file that prints nothing is not written.",
  ],
  expect: ["deadlock"],
  change: onGroups<typeof ChildCaches>(
    (Groups) =>
      class extends Groups {
        protected override propagate(root: KmemCachePtr, child: KmemCachePtr): void {
          const { memory, common } = this;
          if (memory.read32(this.paramsOf(root) + MemcgCacheParams.maxAttrSize) === 0) return;
          let buffer = "";
          for (const { show, store } of common.observer.attributes.values()) {
            if (show === undefined || store === undefined) continue;
            buffer = String(show(root) || buffer);
            store(child, buffer);
          }
        }
      },
  ),
  retypes: { "Groups.propagate": "617e01e4" },
  scenario: {
    name: "propagate-attributes",
    story: "A group gets its cache of one to whose files something was written.",
    machine: { kernel: "4.1", flags: SLAB_RECLAIM_ACCOUNT },
    setup: on(0, group("g", 8), writeMinPartial, enter("g"), alloc("a"), leave()),
    contexts: [task("A", 0, work(), free("a"))],
  },
  class: "deadlock",
  preemptions: 0,
});
