/** A list_lock is taken while the lock of a zone is held, which is right the other way round only. */
import { inTurn, onSlab, onSlub } from "../../../src/kernel/classes.ts";
import type { Mutation } from "../../../src/laboratory/mutation.ts";
import type { Memory } from "../../../src/machine/memory.ts";
import { spinLock, spinUnlock } from "../../../src/machine/spinlock.ts";
import type { Pages } from "../../../src/pages/pages.ts";
import { type Zone, ZoneState } from "../../../src/pages/zone.ts";

/** Runs `take` under the zone's lock. Interrupts are off. */
function underZoneLock(memory: Memory, pages: Pages, take: () => void): void {
  const lock = (pages.zones[0] as Zone).at + ZoneState.lock;
  spinLock(memory, lock);
  take();
  spinUnlock(memory, lock);
}

export const zoneLockFirst: Mutation = {
  id: "X11",
  title: "list_lock is taken under zone->lock",
  commit: null,
  year: null,
  expect: ["lock-order"],
  change: inTurn(
    onSlub((classes) => ({
      NodePartial: class extends classes.NodePartial {
        override lockIrqsave(n: number): boolean {
          const flags = this.memory.irqSave();
          underZoneLock(this.memory, this.context.pages, () => super.lock(n));
          return flags;
        }
      },
    })),
    onSlab((classes) => ({
      NodeLists: class extends classes.NodeLists {
        override lock(n: number): void {
          underZoneLock(this.memory, this.context.pages, () => super.lock(n));
        }
      },
    })),
  ),
};
