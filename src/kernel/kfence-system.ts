// SPDX-License-Identifier: GPL-2.0-only
/** A system with KFENCE: the pool comes when the allocator is up, and objects end where a call's request did. */
import type { Kfence } from "../caches/kfence/kfence.ts";
import { ZERO_SIZE_PTR } from "../caches/kmalloc-sizes.ts";
import type { Address } from "../machine/memory.ts";
import { withAsked } from "./asked-system.ts";
import type { System } from "./system.ts";

/** sizeof(struct rcu_head) */
const RCU_HEAD = 8;

export function withKfenceCalls(Base: typeof System): typeof System {
  return class extends withAsked(Base) {
    private get kfence(): Kfence {
      return this.common.kfence as Kfence;
    }

    override boot(absentNodes: readonly number[] = []): void {
      super.boot(absentNodes);
      this.kfence.init();
    }

    protected override asked(object: Address, size: number): Address {
      if (this.kfence.pool.has(object)) this.kfence.asked(object, size);
      return super.asked(object, size);
    }

    protected override usable(object: Address): number {
      return this.kfence.pool.has(object) ? this.kfence.sizeOf(object) : super.usable(object);
    }

    override kfreeRcu(object: Address): void {
      if (object > ZERO_SIZE_PTR) this.kfence.check(object, RCU_HEAD, true);
      super.kfreeRcu(object);
    }
  };
}
