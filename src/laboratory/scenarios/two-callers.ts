// SPDX-License-Identifier: GPL-2.0-only
import { on, type SlabScenario, task } from "../scenario.ts";
import { alloc, call, flush, free } from "../steps.ts";

export const twoCallers: SlabScenario = {
  name: "two-callers",
  story: "Two CPUs call a third at the same time: one for its slab, one for nothing but an answer.",
  machine: { cpus: 3, minPartial: 0 },
  setup: on(2, alloc("a"), free("a")),
  contexts: [
    task("A", 0, flush()),
    task("B", 1, [
      call("kick_all_cpus_sync", ({ system }) => {
        system.machine.calls.kickAllCpusSync();
        return undefined;
      }),
    ]),
  ],
  endsEmpty: "by itself",
};
