// SPDX-License-Identifier: GPL-2.0-only
/** A system that tells a checker of how many bytes kmalloc was asked for, where an object may have more. */
import type { KmemCachePtr } from "../caches/kmem-cache.ts";
import type { Address } from "../machine/memory.ts";
import { NUMA_NO_NODE } from "../machine/topology.ts";
import { GFP_KERNEL } from "../pages/gfp.ts";
import { System } from "./system.ts";

export declare class AskedSystem extends System {
  /** Of what a call returns `size` bytes were asked for; 0: there was no memory. Returns the object. */
  protected asked(object: Address, size: number): Address;
}

/** Several checkers may ask for it: they share one, and each hands on to the one below. */
export function withAsked(Base: typeof System): typeof AskedSystem {
  if ("asked" in Base.prototype) return Base as typeof AskedSystem;
  return class Asked extends Base {
    protected asked(object: Address, _size: number): Address {
      return object;
    }

    override kmallocNode(size: number, gfp: number, node: number): Address {
      return this.asked(super.kmallocNode(size, gfp, node), size);
    }

    override kmallocTrace(
      s: KmemCachePtr,
      size: number,
      gfp = GFP_KERNEL,
      node = NUMA_NO_NODE,
    ): Address {
      return this.asked(super.kmallocTrace(s, size, gfp, node), size);
    }

    override kmallocNolock(size: number, gfp = 0, node = NUMA_NO_NODE): Address {
      return this.asked(super.kmallocNolock(size, gfp, node), size);
    }
  } as unknown as typeof AskedSystem;
}
