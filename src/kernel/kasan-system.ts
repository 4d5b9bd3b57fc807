// SPDX-License-Identifier: GPL-2.0-only
/** A system with KASAN: what a call has asked for, and no byte more, may be accessed. */
import type { Kasan } from "../caches/kasan/kasan.ts";
import { since } from "../caches/kernel-version.ts";
import { ZERO_SIZE_PTR } from "../caches/kmalloc-sizes.ts";
import type { Address } from "../machine/memory.ts";
import { GFP_KERNEL } from "../pages/gfp.ts";
import { withAsked } from "./asked-system.ts";
import type { System } from "./system.ts";

/** sizeof(struct rcu_head) */
const RCU_HEAD = 8;

export function withKasanCalls(Base: typeof System): typeof System {
  return class extends withAsked(Base) {
    private get kasan(): Kasan {
      return this.common.kasan as Kasan;
    }

    protected override asked(object: Address, size: number): Address {
      return this.accessible(super.asked(object, size), size);
    }

    /** So many bytes of the object may be accessed from here on. */
    private accessible(object: Address, size: number): Address {
      if (object <= ZERO_SIZE_PTR) return object;
      const s = this.kasan.cacheOf(object);
      if (s !== 0) this.kasan.asked(s, object, size);
      else {
        const bytes = this.pages.blockBytes(this.pages.virtToHeadPage(object));
        this.kasan.askedLarge(object, size, bytes);
      }
      return object;
    }

    override krealloc(object: Address, size: number, gfp = GFP_KERNEL): Address {
      return this.accessible(super.krealloc(object, size, gfp), size);
    }

    /** Until 6.2 the caller could use all of it from then on. */
    override ksize(object: Address): number {
      const bytes = super.ksize(object);
      if (bytes !== 0 && !since(this.common.kernel, "6.2")) this.accessible(object, bytes);
      return bytes;
    }

    override viewableBytes(object: Address): number {
      return this.kasan.askedOf(object, super.ksize(object));
    }

    override kfreeRcu(object: Address): void {
      if (object > ZERO_SIZE_PTR) this.kasan.check(object, RCU_HEAD, true);
      super.kfreeRcu(object);
    }
  };
}
