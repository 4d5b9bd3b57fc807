/** A mutation that races: the list of partial slabs is changed without list_lock. */
import { onSlub } from "../../../src/kernel/classes.ts";
import type { Mutation } from "../../../src/laboratory/mutation.ts";
import type { IrqFlags } from "../../../src/machine/memory.ts";
import type { KmemCacheNodePtr } from "../../../src/slub/structs.ts";

export const listWithoutLock: Mutation = {
  id: "X02",
  title: "the list of partial slabs is changed without list_lock",
  commit: null,
  year: null,
  expect: ["list-corruption", "data-race"],
  change: onSlub((classes) => ({
    NodePartial: class extends classes.NodePartial {
      override lockIrqsave(): IrqFlags {
        // The race is to be seen, not the missing lock.
        this.memory.lockdepOff();
        return this.memory.irqSave();
      }
      override unlockIrqrestore(_: KmemCacheNodePtr, flags: IrqFlags): void {
        this.memory.lockdepOn();
        this.memory.irqRestore(flags);
      }
    },
  })),
};
