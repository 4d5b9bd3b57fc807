// SPDX-License-Identifier: GPL-2.0-only
/**
 * kfree_nolock: where no sheaf takes the object, its free waits on this CPU for a context that may take
 * locks (defer_free). The objects are chained through their own free pointers, the last comes first.
 */
import type { Address, Memory } from "../../machine/memory.ts";
import { ptr, sizeOf, struct } from "../../machine/struct.ts";
import { Page } from "../../pages/page.ts";
import type { FreePointers } from "../free-pointers.ts";
import type { SlubContext } from "../slub-context.ts";
import type { SheafSlowFree } from "./slow-free.ts";
import { FREE_SLOWPATH } from "./statistics.ts";

const Deferred = struct("defer_free", { objects: ptr });

export interface DeferredFreesParts {
  readonly context: SlubContext;
  readonly freePointers: FreePointers;
  readonly slowFree: SheafSlowFree;
}

export class DeferredFrees {
  declare protected readonly parts: DeferredFreesParts;
  declare protected readonly memory: Memory;
  declare private readonly list: Address;

  constructor(parts: DeferredFreesParts) {
    this.parts = parts;
    this.memory = parts.context.memory;
    this.list = parts.context.machine.percpu.define(sizeOf(Deferred));
  }

  /** defer_free */
  add(object: Address): void {
    const { memory } = this;
    const s = this.cacheOf(object);
    const flags = memory.irqSave();
    const head = memory.thisCpuPtr(this.list + Deferred.objects);
    this.parts.freePointers.set(s, object, memory.read32(head));
    memory.write32(head, object);
    memory.irqRestore(flags);
  }

  /** free_deferred_objects, as the irq_work of this CPU. */
  run(): void {
    const { memory } = this;
    const flags = memory.irqSave();
    const head = memory.thisCpuPtr(this.list + Deferred.objects);
    let object = memory.read32(head);
    memory.write32(head, 0);
    memory.irqRestore(flags);
    while (object !== 0) {
      const s = this.cacheOf(object);
      const next = this.parts.freePointers.get(s, object);
      this.parts.slowFree.free(s, this.parts.context.pages.virtToHeadPage(object), [object]);
      this.parts.context.stat(s, FREE_SLOWPATH);
      object = next;
    }
  }

  private cacheOf(object: Address): Address {
    return this.memory.read32(this.parts.context.pages.virtToHeadPage(object) + Page.slabCache);
  }
}
