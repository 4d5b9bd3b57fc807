/**
 * Slips that break no structure: an event that is not counted, or counted as another; a limit that is
 * one too high; the wrong end of a list.
 */
import type { Edit } from "./edit.ts";

export const COUNTS_OF_4_1: readonly Edit[] = [
  {
    name: "slow-free-is-not-counted",
    kind: "event",
    file: "src/slub/cpu-slab/slow-free.ts",
    from: "    this.context.stat(s, FREE_SLOWPATH);\n",
    to: "",
  },
  {
    name: "bypass-is-not-counted",
    kind: "event",
    file: "src/slub/cpu-slab/slow-allocation.ts",
    from: "      this.context.stat(s, DEACTIVATE_BYPASS);\n",
    to: "",
  },
  {
    name: "popped-slab-is-not-counted",
    kind: "event",
    file: "src/slub/cpu-slab/slow-allocation.ts",
    from: "    if (page !== 0) this.context.stat(s, CPU_PARTIAL_ALLOC);\n",
    to: "",
  },
  {
    name: "found-slab-is-not-counted",
    kind: "event",
    file: "src/slub/cpu-slab/partial-search.ts",
    from: "        this.context.stat(s, ALLOC_FROM_PARTIAL);\n",
    to: "",
  },
  {
    name: "pushed-slab-is-not-counted",
    kind: "event",
    file: "src/slub/cpu-slab/slow-free.ts",
    from: "          this.context.stat(s, CPU_PARTIAL_FREE);\n",
    to: "",
  },
  {
    name: "listed-slab-is-not-counted",
    kind: "event",
    file: "src/slub/cpu-slab/cpu-partial.ts",
    from: "    this.context.stat(s, FREE_ADD_PARTIAL);\n",
    to: "",
  },
  {
    name: "delisted-slab-is-not-counted",
    kind: "event",
    file: "src/slub/cpu-slab/slow-free.ts",
    from: "    this.context.stat(s, FREE_REMOVE_PARTIAL);\n",
    to: "",
  },
  {
    name: "discarded-slab-is-not-counted",
    kind: "event",
    file: "src/slub/cpu-slab/slow-free.ts",
    from: "    this.context.stat(s, FREE_SLAB);\n",
    to: "",
  },
  {
    name: "fast-free-counts-an-allocation",
    kind: "event",
    file: "src/slub/cpu-slab/slub.ts",
    from: "cpuSlab + COUNT_FREE_FASTPATH",
    to: "cpuSlab + COUNT_ALLOC_FASTPATH",
  },
  {
    name: "slab-goes-to-the-other-end",
    kind: "event",
    file: "src/slub/cpu-slab/deactivation.ts",
    from: "hadRemoteFrees ? ADD_TO_TAIL : ADD_TO_HEAD",
    to: "hadRemoteFrees ? ADD_TO_HEAD : ADD_TO_TAIL",
  },
  {
    name: "node-keeps-one-slab-more",
    kind: "limit",
    file: "src/slub/node-partial.ts",
    from: ">= this.memory.readOnce(s + CACHE_MIN_PARTIAL)",
    to: "> this.memory.readOnce(s + CACHE_MIN_PARTIAL)",
  },
  {
    name: "overfull-list-may-be-fuller",
    kind: "limit",
    file: "src/slub/cpu-slab/cpu-partial.ts",
    from: "PAGE_POBJECTS) > memory.readOnce(s + CACHE_CPU_PARTIAL);",
    to: "PAGE_POBJECTS) > 2 * memory.readOnce(s + CACHE_CPU_PARTIAL);",
  },
];

export const COUNTS_OF_6_1: readonly Edit[] = [
  {
    name: "cpu-list-keeps-one-slab-more",
    kind: "limit",
    file: "src/slub/cpu-slab/cpu-partial-by-slabs.ts",
    from: "Page.pages) >= memory.readOnce(s + KmemCache.cpuPartialSlabs)",
    to: "Page.pages) > memory.readOnce(s + KmemCache.cpuPartialSlabs)",
  },
];

export const COUNTS_OF_7_1: readonly Edit[] = [
  {
    name: "sheaf-refill-is-not-counted",
    kind: "event",
    file: "src/slub/sheaves/refill.ts",
    from: "    if (objects.length > 0) this.context.stat(s, SHEAF_REFILL, objects.length);\n",
    to: "",
  },
  {
    name: "flushed-objects-count-as-one",
    kind: "event",
    file: "src/slub/sheaves/flush.ts",
    from: "context.stat(s, SHEAF_FLUSH, count);",
    to: "context.stat(s, SHEAF_FLUSH);",
  },
  {
    name: "bulk-counts-what-it-wanted",
    kind: "event",
    file: "src/slub/sheaves/bulk.ts",
    from: "this.context.stat(s, ALLOC_FASTPATH, batch.length);",
    to: "this.context.stat(s, ALLOC_FASTPATH, size);",
  },
  {
    name: "barn-keeps-one-sheaf-more",
    kind: "limit",
    file: "src/slub/sheaves/barn.ts",
    from: "if (this.nrFull(barn) >= MAX_FULL_SHEAVES)",
    to: "if (this.nrFull(barn) > MAX_FULL_SHEAVES)",
  },
];

export const COUNTS_OF_SLAB: readonly Edit[] = [
  {
    name: "remote-free-is-not-counted",
    kind: "event",
    file: "src/slab/alien.ts",
    from: "    this.context.stat(s, REMOTEFREES);\n",
    to: "",
  },
  {
    name: "missed-free-is-not-counted",
    kind: "event",
    file: "src/slab/slab.ts",
    from: "    this.context.stat(s, FREEMISS);\n",
    to: "",
  },
  {
    name: "node-keeps-free-objects-without-limit",
    kind: "limit",
    file: "src/slab/free-block.ts",
    from: "    return free > this.memory.read32(n + KmemCacheNode.freeLimit);",
    to: "    return free < this.memory.read32(n + KmemCacheNode.freeLimit) - free;",
  },
];
