// SPDX-License-Identifier: GPL-2.0-only
/** A system with kmemcheck: bytes that krealloc moves are known as well as before. */

import { ZERO_SIZE_PTR } from "../caches/kmalloc-sizes.ts";
import type { Kmemcheck } from "../caches/kmemcheck/kmemcheck.ts";
import type { Address } from "../machine/memory.ts";
import { GFP_KERNEL } from "../pages/gfp.ts";
import type { System } from "./system.ts";

export function withKmemcheckCalls(Base: typeof System): typeof System {
  return class extends Base {
    private get kmemcheck(): Kmemcheck {
      return this.common.kmemcheck as Kmemcheck;
    }

    override krealloc(object: Address, size: number, gfp = GFP_KERNEL): Address {
      const states = this.kmemcheck.statesOf(
        object,
        object > ZERO_SIZE_PTR ? this.usable(object) : 0,
      );
      const moved = super.krealloc(object, size, gfp);
      if (moved > ZERO_SIZE_PTR && moved !== object) {
        this.kmemcheck.setStates(moved, states.slice(0, Math.min(states.length, size)));
      }
      return moved;
    }
  };
}
