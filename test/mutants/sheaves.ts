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
];
