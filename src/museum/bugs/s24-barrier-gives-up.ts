// SPDX-License-Identifier: GPL-2.0-only
import { onSheafParts } from "../../kernel/classes.ts";
import { on, task } from "../../laboratory/scenario.ts";
import { alloc, call, kfreeRcu, type Step } from "../../laboratory/steps.ts";
import { hex } from "../../machine/hex.ts";
import { KernelBug } from "../../machine/kernel-bug.ts";
import type { KmemCachePtr } from "../../slub/structs.ts";
import { bug } from "../exhibit.ts";

/** Whatever was given to kfree_rcu before is free afterwards. */
const barrier = (of: string): Step =>
  call(`kvfree-rcu-barrier; is ${of} free?`, ({ system, ledger, s }, names) => {
    system.allocator.sheafCalls?.flushRcuSheaves(s);
    system.machine.rcu.barrier();
    const held = names(of).find((object) => ledger.isLive(object));
    if (held === undefined) return undefined;
    throw new KernelBug("lost-object", `${hex(held)} waits in a sheaf that no barrier has found`);
  });

export const S24 = bug({
  id: "S24",
  title: "sheaves: a barrier that finds the sheaf lock held passes the CPU by",
  needs: "X",
  story: [
    "kvfree_rcu_barrier asks each CPU by an interrupt, which may find the sheaf lock held and then does nothing.",
    "Objects that were given to kfree_rcu long ago stay in that CPU's sheaf, and the barrier returns as if they were free.",
    "Each CPU is asked by a work item, a task, which can wait until the lock is free.",
  ],
  expect: ["lost-object"],
  change: onSheafParts((classes) => ({
    RcuSheaves: class extends classes.RcuSheaves {
      override flushAll(s: KmemCachePtr): void {
        this.context.machine.calls.callOnEach(() => true, this.flushHere, s);
      }

      override flushThisCpu(s: KmemCachePtr): void {
        const { sheafLock } = this.parts;
        const pcs = sheafLock.trylock(s);
        if (pcs === 0) return;
        const sheaf = sheafLock.rcuFree(pcs);
        sheafLock.setRcuFree(pcs, 0);
        sheafLock.unlock(pcs);
        if (sheaf !== 0) this.queueNoBarn(sheaf);
      }
    },
  })),
  retypes: { "RcuSheaves.flushAll": "2ca248d2", "RcuSheaves.flushThisCpu": "44a28b3c" },
  scenario: {
    name: "sheaf-rcu-barrier",
    story: "A barrier asks a CPU for its rcu sheaf anywhere in a kfree_rcu there.",
    machine: { kernel: "7.1", cpus: 2, size: 4096 },
    setup: on(0, alloc("a", 2), kfreeRcu("a.0")),
    contexts: [task("A", 0, kfreeRcu("a.1")), task("B", 1, barrier("a.0"))],
  },
  class: "lost-object",
  preemptions: 1,
});
