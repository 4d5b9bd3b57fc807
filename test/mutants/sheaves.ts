/** Slips in SLUB with sheaves. */
import type { Edit } from "./edit.ts";

const SHEAVES = "src/slub/sheaves";

export const SHEAVES_EDITS: readonly Edit[] = [
  {
    name: "full-sheaf-replaces-any",
    file: `${SHEAVES}/main-sheaf.ts`,
    from: "if (sheaves.size(main) === 0) {\n      this.keepEmpty",
    to: "if (sheaves.size(main) >= 0) {\n      this.keepEmpty",
  },
  {
    name: "empty-sheaf-is-dropped",
    file: `${SHEAVES}/barn.ts`,
    from: "if (full !== 0) this.addEmpty(barn, empty);",
    to: "",
  },
  {
    name: "rcu-sheaf-waits-for-nobody",
    file: `${SHEAVES}/rcu-sheaves.ts`,
    from: "this.queue(sheaf, this.freeSheaf);",
    to: "this.rcuFreeSheaf(sheaf);",
  },
  {
    name: "isolated-slab-is-given-back",
    file: `${SHEAVES}/slow-free.ts`,
    from: "const isIsolated = !wasFull && !isListed;",
    to: "const isIsolated = false;",
  },
  {
    name: "flush-forgets-rcu-sheaf",
    file: `${SHEAVES}/front.ts`,
    from: "if (rcuFree !== 0) rcuSheaves.queueNoBarn(rcuFree);\n    flush.main",
    to: "flush.main",
  },
  {
    name: "refill-drops-the-surplus",
    file: `${SHEAVES}/refill.ts`,
    from: "if (surplus.length > 0) slowFree.free(s, page, surplus);",
    to: "",
  },
  {
    name: "barn-is-taken-from-without-lock",
    file: `${SHEAVES}/barn.ts`,
    from: "const flags = this.lock(barn, maySpin);\n    if (flags === undefined) return 0;\n    const empty = this.takeEmpty(barn);\n    this.unlock(barn, flags);\n    return empty;",
    to: "return this.takeEmpty(barn);",
  },
  {
    name: "rcu-sheaf-is-not-looked-at-again",
    file: `${SHEAVES}/rcu-sheaves.ts`,
    from: "if (again === 0 || sheafLock.rcuFree(again) !== 0) barns.putEmpty",
    to: "if (again === 0) barns.putEmpty",
  },
  {
    name: "spare-is-not-looked-at-again",
    file: `${SHEAVES}/main-sheaf.ts`,
    from: "} else if (this.hasRoom(s, main)) {\n      barns.putEmpty(barn, empty);\n    } else if (this.hasRoom(s, spare)) {",
    to: "} else if (this.hasRoom(s, main)) {\n      lock.setSpare(pcs, empty);\n    } else if (this.hasRoom(s, spare)) {",
  },
  // what a step of each path leaves undone
  {
    name: "full-sheaf-is-not-counted",
    file: `${SHEAVES}/barn.ts`,
    from: "    this.count(barn + Barn.nrFull, 1);\n",
    to: "",
  },
  {
    name: "used-up-sheaf-is-dropped",
    file: `${SHEAVES}/main-sheaf.ts`,
    from: "    if (this.lock.spare(pcs) === 0) this.lock.setSpare(pcs, main);\n    else this.barns.putEmpty(barn, main);",
    to: "    if (this.lock.spare(pcs) === 0) this.lock.setSpare(pcs, main);",
  },
  {
    name: "main-sheaf-overflows",
    file: `${SHEAVES}/main-sheaf.ts`,
    from: "    return this.sheaves.size(sheaf) < this.sheaves.capacityOf(s);",
    to: "    return this.sheaves.size(sheaf) <= this.sheaves.capacityOf(s);",
  },
  {
    name: "queued-sheaf-goes-on-collecting",
    file: `${SHEAVES}/rcu-sheaves.ts`,
    from: "      sheafLock.setRcuFree(pcs, 0);\n      // Before",
    to: "      // Before",
  },
  {
    name: "rcu-sheaf-overflows",
    file: `${SHEAVES}/rcu-sheaves.ts`,
    from: "if (sheaves.size(sheaf) >= sheaves.capacityOf(s)) {",
    to: "if (sheaves.size(sheaf) > sheaves.capacityOf(s)) {",
  },
  {
    name: "full-rcu-sheaf-is-queued-late",
    file: `${SHEAVES}/rcu-sheaves.ts`,
    from: "      // Before the lock is dropped: a barrier that runs on this CPU next must find it queued.\n      this.queueFull(sheaf);\n    }\n    sheafLock.unlock(pcs);",
    to: "    }\n    sheafLock.unlock(pcs);\n    if (sheaves.size(sheaf) >= sheaves.capacityOf(s)) this.queueFull(sheaf);",
  },
  {
    name: "mark-is-read-before-the-lock",
    file: `${SHEAVES}/slow-free.ts`,
    from: "      const flags = nodePartial.lockIrqsave(n);\n      const isListed = nodePartial.isListed(page);",
    to: "      const isListed = nodePartial.isListed(page);\n      const flags = nodePartial.lockIrqsave(n);",
  },
  {
    name: "sheaf-lock-is-not-looked-at",
    file: `${SHEAVES}/cpu-sheaves.ts`,
    from: "    if (memory.readOnce(pcs + CpuSheaves.locked) !== 0) {",
    to: "    if (memory.readOnce(pcs + CpuSheaves.locked) < 0) {",
  },
  {
    name: "isolated-slab-is-not-given-back",
    file: `${SHEAVES}/refill.ts`,
    from: "    if (used < isolated.length) this.giveBack(s, n, isolated.slice(used));\n",
    to: "",
  },
  {
    name: "isolated-slab-stays-listed",
    file: `${SHEAVES}/refill.ts`,
    from: "      nodePartial.remove(n, page);\n      isolated",
    to: "      isolated",
  },
  {
    name: "dead-cpu-keeps-its-main-sheaf",
    file: `${SHEAVES}/front.ts`,
    from: "    flush.sheaf(s, sheafLock.main(pcs));\n",
    to: "",
  },
  {
    name: "flushed-cpu-keeps-its-spare",
    file: `${SHEAVES}/front.ts`,
    from: "    sheafLock.setSpare(pcs, 0);\n    sheafLock.setRcuFree(pcs, 0);\n    sheafLock.unlock(pcs);",
    to: "    sheafLock.setRcuFree(pcs, 0);\n    sheafLock.unlock(pcs);",
  },
  {
    name: "emptied-slab-stays-listed",
    file: `${SHEAVES}/slow-allocation.ts`,
    from: "      if (next === 0) nodePartial.remove(n, page);\n",
    to: "",
  },
  {
    name: "barn-keeps-its-sheaves",
    file: `${SHEAVES}/front.ts`,
    from: "    for (const sheaf of full) flush.sheafAndFree(s, sheaf);\n",
    to: "    for (const sheaf of full) sheaves.freeEmpty(s, sheaf);\n",
  },
  {
    name: "bulk-free-takes-strangers",
    file: `${SHEAVES}/bulk.ts`,
    from: "      if (this.parts.fastPaths.accepts(object)) {",
    to: "      if (object !== 0) {",
  },
];
