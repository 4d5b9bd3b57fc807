// SPDX-License-Identifier: GPL-2.0-only
/**
 * What nolock calls have put off: objects, which go to their slabs past the cpu slab (__slab_free), and
 * slabs, which are given up. Slabs are chained by page->next; page->pages keeps the private list.
 */
import type { Address } from "../../machine/memory.ts";
import { ptr, sizeOf, struct } from "../../machine/struct.ts";
import { Page, type PagePtr } from "../../pages/page.ts";
import { isFrozen } from "../counters.ts";
import { DeferredFrees, type DeferredFreesParts } from "../sheaves/deferred-frees.ts";
import type { SlabPages } from "../slab-pages.ts";
import type { KmemCachePtr } from "../structs.ts";
import type { CpuSlabPaths } from "./sheaves.ts";

const DeferredSlabs = struct("defer_free slabs", { first: ptr });

export interface OptInDeferredFreesParts extends DeferredFreesParts {
  readonly slabPages: SlabPages;
  readonly cpuSlabs: CpuSlabPaths;
}

export class OptInDeferredFrees extends DeferredFrees {
  declare protected readonly parts: OptInDeferredFreesParts;
  declare private readonly slabs: Address;

  constructor(parts: OptInDeferredFreesParts) {
    super(parts);
    this.slabs = parts.context.machine.percpu.define(sizeOf(DeferredSlabs));
  }

  /** defer_deactivate_slab */
  addSlab(page: PagePtr, freelist: Address): void {
    const { memory } = this;
    const flags = memory.irqSave();
    const head = memory.thisCpuPtr(this.slabs);
    const first = memory.read32(head);
    memory.writeOnce(page + Page.next, first);
    memory.writeOnce(page + Page.pages, freelist);
    memory.write32(head, page);
    if (first === 0) this.parts.context.machine.irqWork.queue();
    memory.irqRestore(flags);
  }

  override run(cpu: number): void {
    super.run(cpu);
    const { memory } = this;
    const flags = memory.irqSave();
    const head = memory.perCpuPtr(this.slabs, cpu);
    let page = memory.read32(head);
    memory.write32(head, 0);
    memory.irqRestore(flags);
    while (page !== 0) {
      const next = memory.readOnce(page + Page.next);
      this.giveUp(page);
      page = next;
    }
  }

  private giveUp(page: PagePtr): void {
    const { memory } = this;
    const s = memory.read32(page + Page.slabCache);
    if (!isFrozen(memory.readOnce(page + Page.counters))) {
      this.parts.slabPages.freeSlab(s, page);
      return;
    }
    this.parts.cpuSlabs.deactivation.deactivate(s, page, memory.readOnce(page + Page.pages));
  }

  protected override freeNow(s: KmemCachePtr, page: PagePtr, object: Address): void {
    this.parts.cpuSlabs.slowFree.free(s, page, object, object, 1);
  }
}
