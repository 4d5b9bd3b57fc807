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
    name: "last-user-of-several-closes",
    file: "src/caches/slab-common.ts",
    from: "const closed = refcount !== 0 || this.detachFamily(s, going);",
    to: "const closed = this.detachFamily(s, going);",
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
  // what a step of each path leaves undone
  {
    name: "callback-is-queued-with-irqs-on",
    file: "src/machine/rcu.ts",
    from: "    const flags = memory.irqSave();\n    const cpu = this.thisCpu();\n    memory.write32(head",
    to: "    const flags = !memory.irqsDisabled();\n    const cpu = this.thisCpu();\n    memory.write32(head",
  },
  {
    name: "queue-keeps-its-tail",
    file: "src/machine/rcu.ts",
    from: "    memory.write32(cpu + Cpu.rcuNextTail, 0);\n",
    to: "",
  },
  {
    name: "report-takes-no-lock",
    file: "src/machine/rcu.ts",
    from: "    spinLock(memory, state + RcuState.lock);\n    memory.writeOnce(cpu + Cpu.rcuNeeded, 0);\n    const left = memory.read32(state + RcuState.waitingFor) - 1;\n    memory.write32(state + RcuState.waitingFor, left);\n    if (left === 0) this.complete(period);\n    spinUnlock(memory, state + RcuState.lock);",
    to: "    memory.writeOnce(cpu + Cpu.rcuNeeded, 0);\n    const left = memory.read32(state + RcuState.waitingFor) - 1;\n    memory.write32(state + RcuState.waitingFor, left);\n    if (left === 0) this.complete(period);",
  },
  {
    name: "callback-is-read-after-it-ran",
    file: "src/machine/rcu.ts",
    from: "      // The callback may free the memory of `head`.\n      const next = memory.read32(head + RcuHead.next);\n      this.functions.call(memory.read32(head + RcuHead.func), head);",
    to: "      this.functions.call(memory.read32(head + RcuHead.func), head);\n      const next = memory.read32(head + RcuHead.next);",
  },
  {
    name: "call-is-filled-in-late",
    file: "src/machine/calls.ts",
    from: "    memory.write32(slot + CallSlot.fn, what.fn);\n    memory.write32(slot + CallSlot.argument, what.argument);\n    // Release: a CPU that sees `pending` sees the function and its argument.\n    memory.storeRelease(slot + CallSlot.pending, 1);",
    to: "    memory.storeRelease(slot + CallSlot.pending, 1);\n    memory.write32(slot + CallSlot.fn, what.fn);\n    memory.write32(slot + CallSlot.argument, what.argument);",
  },
  {
    name: "two-callers-share-a-slot",
    file: "src/machine/calls.ts",
    from: "    while (owner !== 0) {",
    to: "    while (owner < 0) {",
  },
  {
    name: "slot-is-dropped-unheard",
    file: "src/machine/calls.ts",
    from: "    memory.notify(slot + CallSlot.owner);\n",
    to: "",
  },
  {
    name: "irqs-are-on-before-the-unlock",
    file: "src/machine/spinlock.ts",
    from: "  spinUnlock(memory, at);\n  memory.irqRestore(flags);",
    to: "  memory.irqRestore(flags);\n  spinUnlock(memory, at);",
  },
  {
    name: "bit-unlock-is-no-atomic-step",
    file: "src/machine/bit-spinlock.ts",
    from: "    if (memory.cmpxchg(at, seen, seen & ~mask) === seen) break;",
    to: "    memory.writeOnce(at, seen & ~mask);\n    break;",
  },
  {
    name: "moved-entries-keep-their-old-head",
    file: "src/machine/list.ts",
    from: "  memory.write32(first + PREVIOUS, to);\n",
    to: "",
  },
  {
    name: "freed-page-is-not-counted",
    file: "src/pages/pcp.ts",
    from: "    memory.write32(pcp + PerCpuPages.count, count);\n    const batch",
    to: "    const batch",
  },
  {
    name: "isolated-page-stays-on-its-cpu",
    file: "src/pages/pcp.ts",
    from: "    if (this.isIsolated(zone)) {\n      spinLock",
    to: "    if (!this.isIsolated(zone) && type < 0) {\n      spinLock",
  },
  {
    name: "split-half-goes-to-the-wrong-order",
    file: "src/pages/buddy.ts",
    from: "      for (let half = found - 1; half >= order; half--) {",
    to: "      for (let half = found - 1; half > order; half--) {",
  },
  {
    name: "merged-buddy-stays-listed",
    file: "src/pages/buddy.ts",
    from: "      this.remove(zone, this.array.numbered(buddy), order);\n",
    to: "",
  },
  {
    name: "tails-keep-their-head",
    file: "src/pages/pages.ts",
    from: "        memory.write32(tail + Page.head, tail);\n",
    to: "",
  },
];
