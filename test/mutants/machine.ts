/** Slips below the allocators, and in what they have in common; shown on SLUB. */
import type { Edit } from "./edit.ts";

export const MACHINE: readonly Edit[] = [
  {
    name: "callback-joins-the-running-period",
    file: "src/machine/rcu.ts",
    from: "const period = (memory.read32(state + RcuState.started) + 1) | 0;",
    to: "const period = memory.read32(state + RcuState.started);",
  },
  {
    name: "period-waits-for-nobody",
    file: "src/machine/rcu.ts",
    from: "if (lease === 0 || isBuried(lease)) continue;",
    to: "if (lease >= 0) continue;",
  },
  {
    name: "caller-does-not-wait",
    file: "src/machine/calls.ts",
    from: "    memory.waitWhile(slot + CallSlot.pending, 1, holder());\n",
    to: "",
  },
  {
    name: "page-lists-with-irqs-on",
    file: "src/pages/pcp.ts",
    from: "const flags = memory.irqSave();\n    const pcp = memory.thisCpuPtr(this.offsetOf(zone));\n    const list = pcp + PerCpuPages.lists + type * 4;\n    let page",
    to: "const flags = !memory.irqsDisabled();\n    const pcp = memory.thisCpuPtr(this.offsetOf(zone));\n    const list = pcp + PerCpuPages.lists + type * 4;\n    let page",
  },
  {
    name: "pages-return-with-irqs-on",
    file: "src/pages/pcp.ts",
    from: "const flags = memory.irqSave();\n    if (this.isIsolated(zone)) {",
    to: "const flags = !memory.irqsDisabled();\n    if (this.isIsolated(zone)) {",
  },
  {
    name: "page-list-miscounts-what-it-gives",
    file: "src/pages/pcp.ts",
    from: "const given = most - left;",
    to: "const given = most;",
  },
  {
    name: "last-user-of-several-closes",
    file: "src/caches/slab-common.ts",
    from: "if (closed && refcount === 0) this.unlist(s);",
    to: "if (closed) this.unlist(s);",
  },
  {
    name: "typesafe-cache-goes-before-its-slabs",
    file: "src/caches/slab-common.ts",
    from: "      this.waitForSlabs();\n",
    to: "",
  },
  {
    name: "name-of-a-cache-is-kept",
    file: "src/caches/slab-common.ts",
    from: "    this.kfree(this.memory.read32(s + KmemCacheBase.name));\n    this.freeCache(s);",
    to: "    this.freeCache(s);",
  },
  {
    name: "unlock-wakes-nobody",
    file: "src/machine/spinlock.ts",
    from: "  if ((before & CONTENDED) !== 0) memory.notify(at);\n",
    to: "",
  },
  {
    name: "waiter-does-not-mark-the-lock",
    file: "src/machine/spinlock.ts",
    from: "found = memory.cmpxchg(at, 0, me | CONTENDED);",
    to: "found = memory.cmpxchg(at, 0, me);",
  },
  {
    name: "period-ends-unheard",
    file: "src/machine/rcu.ts",
    from: "    this.memory.notify(this.state + RcuState.completed);\n",
    to: "",
  },
  {
    name: "call-is-answered-unheard",
    file: "src/machine/calls.ts",
    from: "    memory.notify(slot + CallSlot.pending);\n",
    to: "",
  },
];
