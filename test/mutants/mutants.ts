/**
 * Slips of a few characters, one for each mechanism: a check forgotten, a swap that is taken for done,
 * a step out of order. Each is an edit of the source's text, made while a module is loaded (mutate.ts),
 * so that free functions and the machine can be changed, too. An edit that does not fit its file
 * exactly once is an error.
 */
export interface Mutant {
  readonly name: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
  readonly allocator: "slub" | "slab";
}

const CPU_SLAB = "src/slub/cpu-slab";

type Edit = Omit<Mutant, "allocator">;

const SLUB: readonly Edit[] = [
  // the fast paths
  {
    name: "fast-path-leaves-tid",
    file: `${CPU_SLAB}/slub.ts`,
    from: "newHead, (tid + STEP) | 0);",
    to: "newHead, tid);",
  },
  {
    name: "alloc-trusts-tid",
    file: `${CPU_SLAB}/slub.ts`,
    from: "if (memory.readOnce(c + CPU_TID) !== tid) continue;\n      const object",
    to: "const object",
  },
  {
    name: "free-trusts-tid",
    file: `${CPU_SLAB}/slub.ts`,
    from: "if (memory.readOnce(c + CPU_TID) !== tid) continue;\n      if",
    to: "if",
  },
  {
    name: "list-without-slab-matches",
    file: `${CPU_SLAB}/slub.ts`,
    from: "return page !== 0 && (node",
    to: "return (node",
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
    from: "cpuSlab.freelist(c));\n      cpuSlab.drop(c);",
    to: "cpuSlab.freelist(c));",
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
    name: "drained-head-is-linked",
    file: `${CPU_SLAB}/cpu-partial.ts`,
    from: "        head = 0;\n",
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
    name: "bulk-pops-unnoticed",
    file: `${CPU_SLAB}/bulk.ts`,
    from: "        this.bumpBeforeSlowPath(c);\n",
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
  // the machine
  {
    name: "callback-joins-the-running-period",
    file: "src/machine/rcu.ts",
    from: "const period = (memory.read32(state + RcuState.started) + 1) | 0;",
    to: "const period = memory.read32(state + RcuState.started);",
  },
  {
    name: "period-waits-for-nobody",
    file: "src/machine/rcu.ts",
    from: "if (i === self || memory.loadAcquire(cpu + Cpu.lease) === 0) continue;",
    to: "if (i >= 0) continue;",
  },
  {
    name: "caller-does-not-wait",
    file: "src/machine/calls.ts",
    from: "    memory.waitWhile(target + Cpu.callPending, 1, memory.loadAcquire(target + Cpu.lease));\n",
    to: "",
  },
  {
    name: "page-lists-with-irqs-on",
    file: "src/pages/pcp.ts",
    from: "const flags = memory.irqSave();\n    const pcp = memory.thisCpuPtr(this.offsetOf(zone));\n    const list = pcp + PerCpuPages.lists + type * 4;\n    let page",
    to: "const flags = !memory.irqsDisabled();\n    const pcp = memory.thisCpuPtr(this.offsetOf(zone));\n    const list = pcp + PerCpuPages.lists + type * 4;\n    let page",
  },
];

const SLAB: readonly Edit[] = [
  {
    name: "alien-cache-overflows",
    file: "src/slab/alien.ts",
    from: "=== memory.read32(ac + ArrayCache.limit)) {",
    to: "> memory.read32(ac + ArrayCache.limit)) {",
  },
  {
    name: "alien-push-without-lock",
    file: "src/slab/alien.ts",
    from: "pushObject(memory, ac, object);\n    spinUnlock(memory, alien + AlienCache.lock);",
    to: "spinUnlock(memory, alien + AlienCache.lock);\n    pushObject(memory, ac, object);",
  },
  {
    name: "array-of-before-growing",
    file: "src/slab/refill.ts",
    from: "      ac = this.arrayAfterGrow(s, ac);\n",
    to: "",
  },
  {
    name: "shared-array-overflows",
    file: "src/slab/flush.ts",
    from: "Math.min(batch, memory.read32(shared + ArrayCache.limit) - avail)",
    to: "batch",
  },
  {
    name: "drained-array-keeps-its-entries",
    file: "src/slab/drain.ts",
    from: "const slabsToFree = this.freeBlock.empty(s, n, ac);",
    to: "const slabsToFree = this.freeBlock.freeAll(s, n, ac);",
  },
  {
    name: "shared-array-looked-up-early",
    file: "src/slab/drain.ts",
    from: "const flags = this.lists.lockIrqsave(n);\n    const shared = this.memory.readOnce(n + KmemCacheNode.shared);",
    to: "const shared = this.memory.readOnce(n + KmemCacheNode.shared);\n    const flags = this.lists.lockIrqsave(n);",
  },
  {
    name: "reaper-finds-its-array-early",
    file: "src/slab/drain.ts",
    from: "const flags = this.memory.irqSave();\n    const ac = this.context.cpuArray(s);",
    to: "const ac = this.context.cpuArray(s);\n    const flags = this.memory.irqSave();",
  },
  {
    name: "destroyed-slab-stays-counted",
    file: "src/slab/free-block.ts",
    from: "        this.lists.forget(s, n);\n",
    to: "",
  },
  {
    name: "flush-destroys-first",
    file: "src/slab/flush.ts",
    from: "dropOldest(this.memory, ac, count);\n    this.slabPages.destroyAll(s, slabsToFree);",
    to: "this.slabPages.destroyAll(s, slabsToFree);\n    dropOldest(this.memory, ac, count);",
  },
  {
    name: "reap-takes-no-alien-lock",
    file: "src/slab/alien.ts",
    from: "if (avail !== 0 && spinTrylock(memory, alien + AlienCache.lock)) {",
    to: "if (avail !== 0) {",
  },
];

export const MUTANTS: readonly Mutant[] = [
  ...SLUB.map((edit) => ({ ...edit, allocator: "slub" as const })),
  ...SLAB.map((edit) => ({ ...edit, allocator: "slab" as const })),
];
