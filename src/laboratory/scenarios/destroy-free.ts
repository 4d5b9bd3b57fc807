// SPDX-License-Identifier: GPL-2.0-only
import { on, type SlabScenario, task } from "../scenario.ts";
import { alloc, call, destroy, free } from "../steps.ts";

export const destroyFree: SlabScenario = {
  name: "destroy-free",
  story: "A cache is destroyed as soon as its last object is free; another CPU has just freed it.",
  machine: { cpus: 2 },
  setup: on(1, alloc("a", 4), free("a.1-3")),
  contexts: [
    task("A", 1, [free("a.0"), destroy()]),
    task("B", 0, [
      call("kmalloc and kfree", ({ system }) => {
        system.kfree(system.kmalloc(64));
        return undefined;
      }),
    ]),
  ],
};
