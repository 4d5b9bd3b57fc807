/** Slabs are put on lists and taken off them with interrupts off, but without list_lock. */
import { inTurn, onSlab, onSlub } from "../../../src/kernel/classes.ts";
import type { Mutation } from "../../../src/laboratory/mutation.ts";

export const noListLock: Mutation = {
  id: "X13",
  title: "lists of slabs are changed without list_lock",
  commit: null,
  year: null,
  expect: ["lock-not-held"],
  change: inTurn(
    onSlub((classes) => ({
      NodePartial: class extends classes.NodePartial {
        override lockIrqsave(): boolean {
          return this.memory.irqSave();
        }
        override unlockIrqrestore(_: number, flags: boolean): void {
          this.memory.irqRestore(flags);
        }
      },
    })),
    onSlab((classes) => ({
      NodeLists: class extends classes.NodeLists {
        override lock(): void {}
        override unlock(): void {}
      },
    })),
  ),
};
