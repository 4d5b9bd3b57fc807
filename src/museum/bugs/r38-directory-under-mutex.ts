// SPDX-License-Identifier: GPL-2.0-only

import type { KmemCachePtr } from "../../caches/kmem-cache.ts";
import type { Gone } from "../../caches/slab-common.ts";
import { onCommon } from "../../kernel/classes.ts";
import { on, task } from "../../laboratory/scenario.ts";
import { call, destroy, group } from "../../laboratory/steps.ts";
import { SlabSysfs } from "../../sysfs/sysfs.ts";
import { bug } from "../exhibit.ts";

export const R38 = bug({
  id: "R38",
  title: "slub: drop mutex before deleting sysfs entry",
  commit: "5413dfba88d2",
  year: 2012,
  verification: "V1",
  isIdUnconfirmed: true,
  needs: "X",
  story: [
    "The directory of a cache was removed with slab_mutex held, and that waits for those who write a file there.",
    "A writer tells the caches that groups have of it as well, and wants slab_mutex for that.",
    "The directory is removed when the mutex is free again.",
  ],
  expect: ["deadlock"],
  change: onCommon((classes) => ({
    SlabCommon: class extends classes.SlabCommon {
      override detach(s: KmemCachePtr): Gone | undefined {
        const gone = super.detach(s);
        if (gone === undefined) return undefined;
        this.sysfsNames.release(gone.names);
        return { s, names: [] };
      }
    },
  })),
  retypes: {},
  scenario: {
    name: "write-destroy",
    story: "A file of a cache is written while the cache is destroyed.",
    machine: { cpus: 2, kernel: "4.1" },
    setup: on(0, group("g", 8)),
    contexts: [
      task("A", 0, destroy()),
      task(
        "B",
        1,
        call("write 2 to /sys/kernel/slab/scenario/cpu_partial", ({ system }) => {
          new SlabSysfs(system).write("scenario", "cpu_partial", "2");
          return undefined;
        }),
      ),
    ],
  },
  class: "deadlock",
  preemptions: 1,
});
