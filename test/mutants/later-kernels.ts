/** Slips in what later kernels do otherwise. */
import type { Edit } from "./edit.ts";

const CPU_SLAB = "src/slub/cpu-slab";

export const CPU_SLABS_OF_6_1: readonly Edit[] = [
  {
    name: "refill-trusts-its-cpu-slab",
    kind: "window",
    file: `${CPU_SLAB}/slow-allocation-interruptible.ts`,
    from: "    const flags = memory.irqSave();\n    if (cpuSlab.page(c) !== page) {",
    to: "    const flags = memory.irqSave();\n    if (page === 0) {",
  },
  {
    name: "left-slab-is-not-looked-at",
    kind: "window",
    file: `${CPU_SLAB}/slow-allocation-interruptible.ts`,
    from: "    const left = cpuSlab.page(c);",
    to: "    const left = cpuSlab.page(c) & 0;",
  },
  {
    name: "given-up-slab-may-be-another",
    kind: "window",
    file: `${CPU_SLAB}/slow-allocation-interruptible.ts`,
    from: "    const isStillHere = cpuSlab.page(c) === page;",
    to: "    const isStillHere = cpuSlab.page(c) >= 0;",
  },
  {
    name: "found-slab-replaces-any",
    kind: "window",
    file: `${CPU_SLAB}/slow-allocation-interruptible.ts`,
    from: "      if (cpuSlab.page(c) === 0) {\n        cpuSlab.install(c, page);",
    to: "      if (cpuSlab.page(c) >= 0) {\n        cpuSlab.install(c, page);",
  },
  {
    name: "new-slab-is-counted-by-nobody",
    kind: "count",
    file: `${CPU_SLAB}/slow-allocation-interruptible.ts`,
    from: "    this.parts.slabPages.incSlabsNode(s, page, objectsOf(memory.read32(page + Page.counters)));\n    return freelist;",
    to: "    return freelist;",
  },
  {
    name: "push-with-irqs-on",
    kind: "interrupts",
    file: `${CPU_SLAB}/cpu-partial-by-slabs.ts`,
    from: "  override put(s: KmemCachePtr, page: PagePtr): void {\n    const { memory, cpuSlab } = this;\n    const flags = memory.irqSave();",
    to: "  override put(s: KmemCachePtr, page: PagePtr): void {\n    const { memory, cpuSlab } = this;\n    const flags = !memory.irqsDisabled();",
  },
  {
    name: "detached-list-stays-attached",
    kind: "owner",
    file: `${CPU_SLAB}/cpu-partial-by-slabs.ts`,
    from: "    cpuSlab.setPartial(c, 0);\n    memory.irqRestore(flags);",
    to: "    memory.irqRestore(flags);",
  },
  {
    name: "overfull-list-is-linked-behind",
    kind: "list",
    file: `${CPU_SLAB}/cpu-partial-by-slabs.ts`,
    from: "    this.pushHere(c, page, 0, flags);\n    this.unfreezeAll",
    to: "    this.pushHere(c, page, head, flags);\n    this.unfreezeAll",
  },
  {
    name: "slab-count-grows-by-two",
    kind: "count",
    file: `${CPU_SLAB}/cpu-partial-by-slabs.ts`,
    from: "slabs + 1);",
    to: "slabs + 2);",
  },
  {
    name: "spliced-list-drops-remote-frees",
    kind: "list",
    file: `${CPU_SLAB}/deactivation-spliced.ts`,
    from: "    if (objects > 0) freePointers.set(s, tail, old.freelist);",
    to: "    if (objects > 0) freePointers.set(s, tail, 0);",
  },
  {
    name: "spliced-slab-is-listed-before",
    kind: "swap",
    file: `${CPU_SLAB}/deactivation-spliced.ts`,
    from: "        if (isDone) nodePartial.add(n",
    to: "        if (inuse >= 0) nodePartial.add(n",
  },
];

export const CPU_SLABS_OF_6_19: readonly Edit[] = [
  {
    name: "mark-is-read-without-lock",
    kind: "lock",
    file: `${CPU_SLAB}/slow-free-unfrozen.ts`,
    from: "      const flags = isLast && nodePartial.lockIrqsave(n);\n      const isListed = isLast && nodePartial.isListed(page);",
    to: "      const isListed = isLast && nodePartial.isListed(page);\n      const flags = isLast && nodePartial.lockIrqsave(n);",
  },
  {
    name: "unmarked-slab-is-given-back",
    kind: "limit",
    file: `${CPU_SLAB}/slow-free-unfrozen.ts`,
    from: "isDone && isListed && nodePartial.hasEnough(s, n);",
    to: "isDone && isLast && nodePartial.hasEnough(s, n);",
  },
  {
    name: "changed-cpu-slab-is-ignored",
    kind: "window",
    file: `${CPU_SLAB}/slow-allocation-unfrozen.ts`,
    from: "const isChanged = cpuSlab.page(c) !== 0;",
    to: "const isChanged = cpuSlab.page(c) < 0;",
  },
  {
    name: "refused-slab-keeps-its-link",
    kind: "list",
    file: `${CPU_SLAB}/cpu-partial-unfrozen.ts`,
    from: "    this.memory.writeOnce(page + Page.next, 0);\n",
    to: "",
  },
  {
    name: "refused-slab-is-forgotten",
    kind: "forgotten",
    file: `${CPU_SLAB}/slow-allocation-unfrozen.ts`,
    from: "      cpuPartial.giveToNode(s, page);\n",
    to: "",
  },
  {
    name: "taken-slab-is-not-frozen",
    kind: "owner",
    file: `${CPU_SLAB}/partial-search-unfrozen.ts`,
    from: "withFrozen(withInuse(counters, objectsOf(counters)), true);",
    to: "withInuse(counters, objectsOf(counters));",
  },
  {
    name: "slab-leaves-the-list-marked",
    kind: "list",
    file: "src/slub/marked-partial.ts",
    from: "    this.memory.add(page + Page.flags, -SL_PARTIAL);\n",
    to: "",
  },
];

export const SLAB_OF_6_1: readonly Edit[] = [
  {
    name: "new-slab-is-listed-as-if-empty",
    kind: "list",
    file: "src/slab/node-lists.ts",
    from: "    if (active !== 0) {",
    to: "    if (active < 0) {",
  },
  {
    name: "array-of-before-is-filled",
    kind: "window",
    file: "src/slab/refill-unlocked.ts",
    from: "    const ac = this.arrayAfterGrow(s, empty);",
    to: "    const ac = empty;",
  },
  {
    name: "new-slab-fills-another-node",
    kind: "node",
    file: "src/slab/refill-unlocked.ts",
    from: " && this.context.localNode() === nid) {",
    to: ") {",
  },
  {
    name: "filled-array-is-filled-again",
    kind: "window",
    file: "src/slab/refill-unlocked.ts",
    from: "      this.takeFromSlab(s, page, ac, this.batchOf(ac));\n    }\n    this.grow.end(s, page);",
    to: "    }\n    this.grow.end(s, page);\n    if (this.context.localNode() === nid) this.takeFromSlab(s, page, ac, this.batchOf(ac));",
  },
  {
    name: "full-slab-keeps-its-array",
    kind: "owner",
    file: "src/slab/index-array-in-object.ts",
    from: "    if (this.isInObject(s)) this.memory.write32(page + Page.freelist, 0);\n",
    to: "",
  },
];
