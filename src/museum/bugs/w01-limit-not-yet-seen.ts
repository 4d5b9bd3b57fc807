// SPDX-License-Identifier: GPL-2.0-only
import { onSlub } from "../../kernel/classes.ts";
import { bug } from "../exhibit.ts";
import { R40 } from "./r40-dead-cache.ts";

export const W01 = bug({
  id: "W01",
  title: "slub: make dead caches discard free slabs immediately",
  commit: "d6e0b7fa1186",
  year: 2015,
  verification: "V2",
  needs: "X",
  memory: "tso",
  story: [
    "A CPU pushes a slab on its partial list by an instruction without a lock prefix, and then reads the limit.",
    "The push is still in its store buffer while it reads the old limit, so the flush that follows the new limit finds nothing and the slab stays for ever.",
    "kick_all_cpus_sync between the new limit and the flush makes every push visible.",
  ],
  expect: ["leaked-page"],
  change: onSlub((classes) => ({
    CacheLifetime: class extends classes.CacheLifetime {
      protected override waitForPushes(): void {}
    },
  })),
  retypes: {},
  scenario: { ...R40.scenario, name: "limit-not-yet-seen" },
  class: "leaked-page",
  preemptions: 1,
});
