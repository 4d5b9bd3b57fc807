/** Slips in SLUB with cpu slabs, and in the slab layer that it shares with sheaves. */
import type { Edit } from "./edit.ts";

const CPU_SLAB = "src/slub/cpu-slab";

export const CPU_SLABS: readonly Edit[] = [
  // the fast paths
  {
    name: "fast-path-leaves-tid",
    file: `${CPU_SLAB}/slub.ts`,
    from: "newHead, (tid + STEP) | 0);",
    to: "newHead, tid);",
  },
  {
    name: "free-compares-its-slab-first",
    file: `${CPU_SLAB}/slub.ts`,
    from: "const tid = memory.thisCpuRead(cpuSlab + CPU_TID);\n      const c = memory.thisCpuPtr(cpuSlab);\n      if (memory.readOnce(c + CPU_TID) !== tid) continue;\n      if (memory.readOnce(c + CPU_PAGE) !== page) {",
    to: "const c = memory.thisCpuPtr(cpuSlab);\n      const isOwn = memory.readOnce(c + CPU_PAGE) === page;\n      const tid = memory.thisCpuRead(cpuSlab + CPU_TID);\n      if (memory.readOnce(c + CPU_TID) !== tid) continue;\n      if (!isOwn) {",
  },
  {
    name: "free-trusts-tid",
    file: `${CPU_SLAB}/slub.ts`,
    from: "if (memory.readOnce(c + CPU_TID) !== tid) continue;\n      if",
    to: "if",
  },
  {
    name: "fast-path-ignores-the-node",
    file: `${CPU_SLAB}/slub.ts`,
    from: "return page !== 0 && (node === NO_NODE || this.isOfNode(page, node));",
    to: "return page !== 0;",
  },
  // slow allocation
  {
    name: "no-recheck-of-list",
    file: `${CPU_SLAB}/slow-allocation.ts`,
    from: "const refilled = this.recheckFreelist(c);",
    to: "const refilled = 0;",
  },
  {
    name: "full-slab-stays-frozen",
    file: `${CPU_SLAB}/slow-allocation.ts`,
    from: "objectsOf(counters)), freelist !== 0);",
    to: "objectsOf(counters)), true);",
  },
  {
    name: "wrong-node-slab-is-kept",
    file: `${CPU_SLAB}/slow-allocation.ts`,
    from: "cpuSlab.freelist(c));\n    cpuSlab.drop(c);\n    return 0;",
    to: "cpuSlab.freelist(c));\n    return 0;",
  },
  {
    name: "cpu-found-with-irqs-on",
    file: `${CPU_SLAB}/slow-allocation.ts`,
    from: "const c = cpuSlab.here(s);\n    let page",
    to: "this.memory.irqEnable();\n    const c = cpuSlab.here(s);\n    this.memory.irqDisable();\n    let page",
  },
  {
    name: "intruder-is-overwritten",
    file: `${CPU_SLAB}/slow-allocation.ts`,
    from: "    this.flushIntruder(s, c);",
    to: "",
  },
  {
    name: "new-slab-keeps-its-list",
    file: `${CPU_SLAB}/slow-allocation.ts`,
    from: "memory.write32(page + Page.freelist, 0);",
    to: "",
  },
  // deactivation
  {
    name: "push-back-ignores-a-lost-swap",
    file: `${CPU_SLAB}/deactivation.ts`,
    from: "if (pageSwap.swap(s, page, prior, counters, object, fewer)) return;",
    to: "pageSwap.swap(s, page, prior, counters, object, fewer);\n      return;",
  },
  {
    name: "unfreeze-ignores-a-lost-swap",
    file: `${CPU_SLAB}/deactivation.ts`,
    from: "if (pageSwap.swap(s, page, oldFreelist, oldCounters, freelist, counters)) break;",
    to: "pageSwap.swap(s, page, oldFreelist, oldCounters, freelist, counters);\n      break;",
  },
  {
    name: "unfreeze-lists-twice",
    file: `${CPU_SLAB}/deactivation.ts`,
    from: "this.undo(s, n, page, placed);",
    to: "",
  },
  // slow free
  {
    name: "full-slab-is-not-frozen",
    file: `${CPU_SLAB}/slow-free.ts`,
    from: "head, tail, prior, counters, withFrozen(fewer, true))",
    to: "head, tail, prior, counters, fewer)",
  },
  {
    name: "relists-after-a-lost-swap",
    file: `${CPU_SLAB}/slow-free.ts`,
    from: "const isUnwanted = isDone && this.relist(s, n, page, prior, fewer);\n        nodePartial",
    to: "const isUnwanted = this.relist(s, n, page, prior, fewer);\n        nodePartial",
  },
  {
    name: "frozen-slab-is-listed",
    file: `${CPU_SLAB}/slow-free.ts`,
    from: "|| prior === 0) && !isFrozen(counters);",
    to: "|| prior === 0);",
  },
  {
    name: "chain-counts-as-one",
    file: `${CPU_SLAB}/slow-free.ts`,
    from: "inuseOf(counters) - count);",
    to: "inuseOf(counters) - 1);",
  },
  {
    name: "listed-slab-is-discarded",
    file: `${CPU_SLAB}/slow-free.ts`,
    from: "this.nodePartial.remove(n, page);\n    this.context.stat(s, FREE_REMOVE_PARTIAL);",
    to: "this.context.stat(s, FREE_REMOVE_PARTIAL);",
  },
  // cpu partial lists
  {
    name: "limit-of-0-keeps-a-slab",
    file: `${CPU_SLAB}/cpu-partial.ts`,
    from: "    if (this.keepsNone(s)) this.drain(s);",
    to: "",
  },
  {
    name: "put-ignores-a-lost-swap",
    file: `${CPU_SLAB}/cpu-partial.ts`,
    from: "if (this.push(partial, head, page)) break;\n    }\n    if (this.keepsNone",
    to: "this.push(partial, head, page);\n      break;\n    }\n    if (this.keepsNone",
  },
  {
    name: "unfreeze-partial-ignores-a-lost-swap",
    file: `${CPU_SLAB}/cpu-partial.ts`,
    from: "if (this.pageSwap.swap(s, page, freelist, counters, freelist, unfrozen)) return unfrozen;",
    to: "this.pageSwap.swap(s, page, freelist, counters, freelist, unfrozen);\n      return unfrozen;",
  },
  {
    name: "one-lock-for-all-nodes",
    file: `${CPU_SLAB}/cpu-partial.ts`,
    from: "if (n !== locked) {",
    to: "if (locked === 0) {",
  },
  {
    name: "pushed-slab-is-not-linked",
    file: `${CPU_SLAB}/cpu-partial.ts`,
    from: "    memory.writeOnce(page + PAGE_NEXT, head);\n",
    to: "",
  },
  {
    name: "drain-with-irqs-on",
    file: `${CPU_SLAB}/cpu-partial.ts`,
    from: "const flags = memory.irqSave();\n    this.unfreeze(s, this.cpuSlab.here(s));\n    memory.irqRestore(flags);",
    to: "this.unfreeze(s, this.cpuSlab.here(s));",
  },
  // the nodes' lists
  {
    name: "acquire-ignores-a-lost-swap",
    file: `${CPU_SLAB}/partial-search.ts`,
    from: "if (!this.parts.pageSwap.swap(s, page, freelist, counters, 0, taken)) return NOT_ACQUIRED;",
    to: "this.parts.pageSwap.swap(s, page, freelist, counters, 0, taken);",
  },
  {
    name: "acquired-slab-is-not-frozen",
    file: `${CPU_SLAB}/partial-search.ts`,
    from: "const frozen = withFrozen(counters, true);",
    to: "const frozen = counters;",
  },
  {
    name: "list-lock-with-irqs-on",
    file: "src/slub/node-partial.ts",
    from: "return spinLockIrqsave(this.memory, n + NODE_LIST_LOCK);",
    to: "this.lock(n);\n    return !this.memory.irqsDisabled();",
  },
  {
    name: "listed-slabs-are-miscounted",
    file: "src/slub/node-partial.ts",
    from: "memory.read32(n + NODE_NR_PARTIAL) - 1);",
    to: "memory.read32(n + NODE_NR_PARTIAL));",
  },
  // slabs come and go
  {
    name: "no-grace-period",
    file: "src/slub/slab-pages.ts",
    from: "this.context.machine.rcu.call(page + Page.rcu, this.rcuFreeSlab);",
    to: "this.freeSlabNow(s, page);",
  },
  {
    name: "slabs-are-counted-in-two-steps",
    file: "src/slub/slab-pages.ts",
    from: "this.memory.add(n + KmemCacheNode.nrSlabs, 1);",
    to: "this.memory.writeOnce(\n      n + KmemCacheNode.nrSlabs,\n      this.memory.readOnce(n + KmemCacheNode.nrSlabs) + 1,\n    );",
  },
  {
    name: "irqs-stay-on-after-pages",
    file: "src/slub/slab-pages.ts",
    from: "if ((gfp & __GFP_WAIT) !== 0) this.memory.irqDisable();",
    to: "",
  },
  {
    name: "shrink-discards-a-listed-slab",
    file: "src/slub/cache-lifetime.ts",
    from: "        this.takeOff(s, n, page);\n",
    to: "",
  },
  {
    name: "dead-cpu-keeps-its-slabs",
    file: "src/slub/hotplug.ts",
    from: "      this.parts.front.flushDeadCpu(s, cpu);\n",
    to: "",
  },
  {
    name: "flush-forgets-partial-slabs",
    file: `${CPU_SLAB}/front.ts`,
    from: "memory.readOnce(c + KmemCacheCpu.page) !== 0 ||\n      memory.readOnce(c + KmemCacheCpu.partial) !== 0",
    to: "memory.readOnce(c + KmemCacheCpu.page) !== 0",
  },
  {
    name: "locked-swap-compares-half",
    file: "src/slub/page-swap.ts",
    from: "memory.readOnce(page + PAGE_FREELIST) === oldFreelist &&\n      memory.readOnce(page + PAGE_COUNTERS) === oldCounters;",
    to: "memory.readOnce(page + PAGE_FREELIST) === oldFreelist;",
  },
  // bulk
  {
    name: "bulk-forgets-its-hole",
    file: `${CPU_SLAB}/bulk.ts`,
    from: "      if (i !== left) p[i] = p[left] as Address;\n",
    to: "",
  },
  {
    name: "bulk-keeps-its-cpu",
    file: `${CPU_SLAB}/bulk.ts`,
    from: "        c = cpuSlab.here(s);\n",
    to: "",
  },
  {
    name: "failed-bulk-loses-objects",
    file: `${CPU_SLAB}/bulk.ts`,
    from: "      this.free(s, got, p);\n",
    to: "",
  },
  // more of the same
  {
    name: "flush-leaves-partial-slabs",
    file: `${CPU_SLAB}/front.ts`,
    from: "this.flushSlab(s, c);\n    this.parts.cpuPartial.unfreeze(s, c);",
    to: "this.flushSlab(s, c);",
  },
  {
    name: "search-goes-beyond-its-node",
    file: `${CPU_SLAB}/partial-search.ts`,
    from: "if (found !== 0 || node !== NUMA_NO_NODE) return found;",
    to: "if (found !== 0) return found;",
  },
  {
    name: "search-fills-without-limit",
    file: `${CPU_SLAB}/partial-search.ts`,
    from: "if (!this.context.hasCpuPartial(s) || available > enough) break;",
    to: "if (!this.context.hasCpuPartial(s)) break;",
  },
  {
    name: "overfull-list-is-not-drained",
    file: `${CPU_SLAB}/cpu-partial.ts`,
    from: "if (head !== 0 && this.isOverfull(s, head)) {",
    to: "if (head === 1 && this.isOverfull(s, head)) {",
  },
  {
    name: "links-after-publishing",
    file: `${CPU_SLAB}/slow-free.ts`,
    from: "this.freePointers.set(s, tail, prior);\n    // Full barrier: a CPU that takes the chain sees its links.\n    return this.pageSwap.swapIrqSafe(s, page, prior, counters, head, newCounters);",
    to: "const isDone = this.pageSwap.swapIrqSafe(s, page, prior, counters, head, newCounters);\n    if (isDone) this.freePointers.set(s, tail, prior);\n    return isDone;",
  },
  {
    name: "shrink-flushes-nobody",
    file: "src/slub/cache-lifetime.ts",
    from: "this.giveBackAll(s);\n    let remain = 0;",
    to: "let remain = 0;",
  },
  {
    name: "slow-path-does-not-zero",
    file: `${CPU_SLAB}/slub.ts`,
    from: "return object === 0 || (gfp & GFP_ZERO) === 0 ? object : this.zeroed(s, object);",
    to: "return object;",
  },
  {
    name: "cache-in-use-is-closed",
    file: "src/slub/cache-lifetime.ts",
    from: "this.parts.nodePartial.nrPartial(n) !== 0 ||\n        this.memory.loadAcquire(n + KmemCacheNode.nrSlabs) !== 0",
    to: "this.parts.nodePartial.nrPartial(n) !== 0",
  },
  {
    name: "slab-lock-is-left-to-interrupts",
    file: "src/slub/page-swap.ts",
    from: "const flags = this.memory.irqSave();\n    const swapped = this.swap(s, page, oldFreelist, oldCounters, newFreelist, newCounters);\n    this.memory.irqRestore(flags);\n    return swapped;",
    to: "return this.swap(s, page, oldFreelist, oldCounters, newFreelist, newCounters);",
  },
  // what a step of each path leaves undone
  {
    name: "dropped-slab-leaves-tid",
    file: `${CPU_SLAB}/cpu-slab.ts`,
    from: "    this.bumpTid(c);\n    this.clear(c);",
    to: "    this.clear(c);",
  },
  {
    name: "dropped-slab-leaves-its-list",
    file: `${CPU_SLAB}/cpu-slab.ts`,
    from: "    this.install(c, 0);\n    this.setFreelist(c, 0);",
    to: "    this.install(c, 0);",
  },
  {
    name: "installed-slab-stays-on-cpu-list",
    file: `${CPU_SLAB}/cpu-slab.ts`,
    from: "    memory.writeOnce(c + CPU_PARTIAL, memory.readOnce(page + PAGE_NEXT));\n    this.setFreelist(c, 0);",
    to: "    this.setFreelist(c, 0);",
  },
  {
    name: "cpu-slab-is-not-refilled",
    file: `${CPU_SLAB}/slow-allocation.ts`,
    from: "withFrozen(withInuse(counters, objectsOf(counters)), freelist !== 0);",
    to: "withFrozen(counters, freelist !== 0);",
  },
  {
    name: "full-slab-stays-cpu-slab",
    file: `${CPU_SLAB}/slow-allocation.ts`,
    from: "    if (freelist === 0) {\n      cpuSlab.drop(c);\n      this.context.stat(s, DEACTIVATE_BYPASS);",
    to: "    if (freelist === 0) {\n      this.context.stat(s, DEACTIVATE_BYPASS);",
  },
  {
    name: "slow-path-ignores-the-node",
    file: `${CPU_SLAB}/slow-allocation.ts`,
    from: "return node === NUMA_NO_NODE || this.context.pages.pageToNid(page) === node;",
    to: "return node >= NUMA_NO_NODE || this.context.pages.pageToNid(page) === node;",
  },
  {
    name: "deactivated-slab-stays-frozen",
    file: `${CPU_SLAB}/deactivation.ts`,
    from: "      counters = withFrozen(counters, false);\n",
    to: "",
  },
  {
    name: "empty-slab-is-kept-by-nobody",
    file: `${CPU_SLAB}/deactivation.ts`,
    from: "      this.parts.slabPages.discard(s, page);\n",
    to: "",
  },
  {
    name: "listing-takes-no-lock",
    file: `${CPU_SLAB}/deactivation.ts`,
    from: "      if (!locked && this.needsLock(s, mode)) {\n        locked = true;\n        nodePartial.lock(n);\n      }\n",
    to: "",
  },
  {
    name: "last-object-is-not-counted",
    file: `${CPU_SLAB}/deactivation.ts`,
    from: "        counters = withInuse(counters, inuseOf(counters) - 1);\n        freePointers.set(s, last",
    to: "        freePointers.set(s, last",
  },
  {
    name: "node-of-unfrozen-slab-is-that-of-the-cpu",
    file: `${CPU_SLAB}/deactivation.ts`,
    from: "    const n = this.context.nodeOfPage(s, page);\n    let locked",
    to: "    const { topology } = this.context.machine;\n    const n = this.context.nodeOf(s, topology.cpuToNode(memory.smpProcessorId()));\n    let locked",
  },
  {
    name: "next-slab-is-read-after-its-discard",
    file: `${CPU_SLAB}/cpu-partial.ts`,
    from: "      const next = this.memory.readOnce(page + PAGE_NEXT);\n      this.context.stat(s, DEACTIVATE_EMPTY);\n      this.slabPages.discard(s, page);",
    to: "      this.context.stat(s, DEACTIVATE_EMPTY);\n      this.slabPages.discard(s, page);\n      const next = this.memory.readOnce(page + PAGE_NEXT);",
  },
  {
    name: "list-is-drained-where-the-task-is",
    file: `${CPU_SLAB}/cpu-partial.ts`,
    from: "    if (this.keepsNone(s)) this.drain(s);\n    memory.preemptEnable();",
    to: "    memory.preemptEnable();\n    if (this.keepsNone(s)) this.drain(s);",
  },
  {
    name: "pushed-slab-counts-itself-only",
    file: `${CPU_SLAB}/cpu-partial.ts`,
    from: "      pobjects + freeOf(memory.readOnce(page + PAGE_COUNTERS)),",
    to: "      Math.min(pobjects, 0) + freeOf(memory.readOnce(page + PAGE_COUNTERS)),",
  },
  {
    name: "search-takes-from-the-list-before-the-swap",
    file: `${CPU_SLAB}/partial-search.ts`,
    from: "    if (!this.parts.pageSwap.swap(s, page, freelist, counters, 0, taken)) return NOT_ACQUIRED;\n    this.parts.nodePartial.remove(n, page);",
    to: "    this.parts.nodePartial.remove(n, page);\n    if (!this.parts.pageSwap.swap(s, page, freelist, counters, 0, taken)) return NOT_ACQUIRED;",
  },
  {
    name: "dead-cpu-flush-empties-the-wrong-cpu",
    file: `${CPU_SLAB}/front.ts`,
    from: "    this.flushCpu(s, this.ofCpu(s, cpu));",
    to: "    this.flushCpu(s, this.ofCpu(s, cpu - 1));",
  },
  {
    name: "flush-calls-its-own-cpu-only",
    file: `${CPU_SLAB}/front.ts`,
    from: "callOnEach((cpu) => this.hasCpuSlab(s, cpu), this",
    to: "callOnEach((cpu) => cpu === this.memory.smpProcessorId(), this",
  },
  {
    name: "pages-of-a-slab-stay-counted",
    file: "src/slub/slab-pages.ts",
    from: "    this.countPages(s, page, -(1 << order));\n",
    to: "",
  },
  {
    name: "new-slab-counts-an-object-less",
    file: "src/slub/slab-pages.ts",
    from: "    this.memory.add(n + KmemCacheNode.totalObjects, objects);",
    to: "    this.memory.add(n + KmemCacheNode.totalObjects, objects - 1);",
  },
  {
    name: "discarded-slab-stays-counted",
    file: "src/slub/slab-pages.ts",
    from: "    this.decSlabsNode(s, page, objectsOf(this.memory.readOnce(page + Page.counters)));\n",
    to: "",
  },
  {
    name: "bulk-chain-is-one-short",
    file: `${CPU_SLAB}/bulk.ts`,
    from: "      count++;\n      // The hole",
    to: "      if (count === 1) count++;\n      // The hole",
  },
  {
    name: "bulk-alloc-with-irqs-on",
    file: `${CPU_SLAB}/bulk.ts`,
    from: "    const flags = memory.irqSave();\n    let c = cpuSlab.here(s);",
    to: "    const flags = !memory.irqsDisabled();\n    let c = cpuSlab.here(s);",
  },
  {
    name: "free-lists-without-lock",
    file: `${CPU_SLAB}/slow-free.ts`,
    from: "        const flags = nodePartial.lockIrqsave(n);\n        const isDone = this.push(s, page, head, tail, prior, counters, fewer);\n        const isUnwanted = isDone && this.relist(s, n, page, prior, fewer);\n        nodePartial.unlockIrqrestore(n, flags);",
    to: "        const isDone = this.push(s, page, head, tail, prior, counters, fewer);\n        const flags = nodePartial.lockIrqsave(n);\n        const isUnwanted = isDone && this.relist(s, n, page, prior, fewer);\n        nodePartial.unlockIrqrestore(n, flags);",
  },
];
