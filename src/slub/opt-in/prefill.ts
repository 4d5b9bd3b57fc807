// SPDX-License-Identifier: GPL-2.0-only
/** Prefilled sheaves of 6.18 and 6.19: a sheaf for no objects can be had, and is what lies at hand. */
import { KernelBug } from "../../machine/kernel-bug.ts";
import { Prefill } from "../sheaves/prefill.ts";
import type { SheafPtr } from "../sheaves/structs.ts";
import type { KmemCachePtr } from "../structs.ts";

export class OptInPrefill extends Prefill {
  protected override readonly refusesNothing = false;

  override prefill(s: KmemCachePtr, gfp: number, size: number): SheafPtr {
    if (this.parts.sheaves.capacityOf(s) !== 0) return super.prefill(s, gfp, size);
    const { common, machine } = this.context;
    const name = common.nameOf(s);
    if (size === 0) {
      throw new KernelBug("bad-access", `kmem_cache_prefill_sheaf: ${name} has no sheaves`);
    }
    if (!this.context.isDebug(s)) {
      machine.console.printk(`WARNING: kmem_cache_prefill_sheaf: ${name} has no sheaves`);
    }
    return this.prefillOversize(s, gfp, size);
  }
}
