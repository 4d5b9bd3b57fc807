// SPDX-License-Identifier: GPL-2.0-only
import { onSheafParts } from "../../kernel/classes.ts";
import { interrupt, on, task } from "../../laboratory/scenario.ts";
import { alloc, kfreeRcu } from "../../laboratory/steps.ts";
import type { Address } from "../../machine/memory.ts";
import { FREE_RCU_SHEAF } from "../../slub/sheaves/statistics.ts";
import type { KmemCachePtr } from "../../slub/structs.ts";
import { bug } from "../exhibit.ts";

export const S21 = bug({
  id: "S21",
  title: "sheaves: a full rcu sheaf is detached after the lock is dropped",
  needs: "S",
  story: [
    "kfree_rcu pushes its object, drops the sheaf lock, and only then takes a full sheaf away from this CPU.",
    "An interrupt in between pushes one object more on the same sheaf than it has room for.",
    "The sheaf is detached and handed to RCU before the lock is dropped.",
  ],
  expect: ["counter-drift", "list-corruption", "double-free", "lost-object"],
  change: onSheafParts((classes) => ({
    RcuSheaves: class extends classes.RcuSheaves {
      override free(s: KmemCachePtr, object: Address): boolean {
        const { sheaves, sheafLock } = this.parts;
        const pcs = this.lockWithSheaf(s);
        if (pcs === 0) return false;
        const sheaf = sheafLock.rcuFree(pcs);
        sheaves.push(sheaf, object);
        sheafLock.unlock(pcs);
        if (sheaves.size(sheaf) === sheaves.capacityOf(s)) {
          sheafLock.setRcuFree(pcs, 0);
          this.queueFull(sheaf);
        }
        this.context.stat(s, FREE_RCU_SHEAF);
        return true;
      }
    },
  })),
  retypes: { "RcuSheaves.free": "0a8c7299" },
  scenario: {
    name: "sheaf-interrupt-kfree-rcu",
    story:
      "An interrupt gives an object to kfree_rcu anywhere in a kfree_rcu that fills the sheaf.",
    machine: { kernel: "7.1", size: 4096 },
    setup: on(0, alloc("a", 5), kfreeRcu("a.0-2")),
    contexts: [task("A", 0, kfreeRcu("a.3")), interrupt("irq", 0, kfreeRcu("a.4"))],
  },
  class: "counter-drift",
  preemptions: 1,
});
