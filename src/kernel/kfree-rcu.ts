// SPDX-License-Identifier: GPL-2.0-only
/**
 * kfree_rcu, where no sheaf takes the object (src/slub/sheaves/rcu-sheaves.ts): objects that are freed
 * when every reader that may have found them is done. The first 8 bytes of such an object hold its
 * rcu_head meanwhile. A count of those under way lets a cache wait for its own before it is destroyed.
 */
import type { Machine } from "../machine/machine.ts";
import type { Address, Memory } from "../machine/memory.ts";
import type { Rcu } from "../machine/rcu.ts";

export class KfreeRcu {
  declare private readonly memory: Memory;
  declare private readonly rcu: Rcu;
  declare private readonly pending: Address;
  declare private readonly free: number;

  constructor(machine: Machine, kfree: (object: Address) => void) {
    this.memory = machine.memory;
    this.rcu = machine.rcu;
    this.pending = machine.statics.words(1, "kfree_rcu pending");
    this.free = machine.functions.register((object) => {
      kfree(object);
      // Full barrier: who sees that it is done sees it freed.
      this.memory.add(this.pending, -1);
    });
  }

  call(object: Address): void {
    this.memory.add(this.pending, 1);
    this.rcu.call(object, this.free);
  }

  /** kvfree_rcu_barrier: whatever was given to `call` before has been freed. May sleep. */
  barrier(): void {
    if (this.memory.loadAcquire(this.pending) !== 0) this.rcu.barrier();
  }
}
