/** Slips in SLAB. */
import type { Edit } from "./edit.ts";

export const SLAB: readonly Edit[] = [
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
  {
    name: "shared-refill-overfills",
    file: "src/slab/array-cache.ts",
    from: "Math.min(had, max, memory.read32(to + ArrayCache.limit) - has)",
    to: "Math.min(had, max)",
  },
  {
    name: "drain-forgets-shared-arrays",
    file: "src/slab/drain.ts",
    from: 'if (n !== 0) this.drainShared(s, n, "all");',
    to: 'if (n === 0) this.drainShared(s, n, "all");',
  },
  {
    name: "tuning-does-not-wait",
    file: "src/slab/tuning.ts",
    from: "    this.context.machine.calls.kickAllCpusSync();\n",
    to: "",
  },
  {
    name: "bulk-overfills-its-array",
    file: "src/slab/bulk.ts",
    from: "from + memory.read32(ac + ArrayCache.limit) - avail);",
    to: "from + memory.read32(ac + ArrayCache.limit));",
  },
  {
    name: "refill-keeps-its-node",
    file: "src/slab/refill.ts",
    from: "for (let ac = empty; ; ) {\n      const nid = this.context.localNode();",
    to: "const nid = this.context.localNode();\n    for (let ac = empty; ; ) {",
  },
  {
    name: "fallback-slab-is-taken-for-local",
    file: "src/slab/grow.ts",
    from: "const nid = this.context.pages.pageToNid(page);\n    const offset",
    to: "const nid = near;\n    const offset",
  },
  {
    name: "dead-cpu-keeps-its-array",
    file: "src/slab/hotplug.ts",
    from: "const slabsToFree = freeBlock.empty(s, n, ac);",
    to: "const slabsToFree = freeBlock.free(s, n, [ac].slice(1));",
  },
];
