// SPDX-License-Identifier: GPL-2.0-only
/**
 * kfree_nolock: where no sheaf takes the object, its free waits on this CPU for a context that may take
 * locks (defer_free). The objects are chained through their own free pointers, the last comes first.
 */
import type { Address, Memory } from "../../machine/memory.ts";
import { ptr, sizeOf, struct } from "../../machine/struct.ts";
import { Page, type PagePtr } from "../../pages/page.ts";
import type { SlubContext } from "../slub-context.ts";
import { KmemCache, type KmemCachePtr } from "../structs.ts";
import type { SheafSlowFree } from "./slow-free.ts";
import { FREE_SLOWPATH } from "./statistics.ts";

const Deferred = struct("defer_free", { objects: ptr });

export interface DeferredFreesParts {
  readonly context: SlubContext;
  readonly slowFree: SheafSlowFree;
}

export class DeferredFrees {
  declare protected readonly parts: DeferredFreesParts;
  declare protected readonly memory: Memory;
  declare private readonly list: Address;
  declare private readonly runHere: number;

  constructor(parts: DeferredFreesParts) {
    this.parts = parts;
    this.memory = parts.context.memory;
    const { percpu, irqWork, functions } = parts.context.machine;
    this.list = percpu.define(sizeOf(Deferred));
    irqWork.register((cpu) => this.run(cpu));
    this.runHere = functions.register(() => this.run(this.memory.smpProcessorId()));
  }

  /** defer_free */
  add(object: Address): void {
    const { memory } = this;
    const flags = memory.irqSave();
    const head = memory.thisCpuPtr(this.list + Deferred.objects);
    const first = memory.read32(head);
    // llist_add: as it is, also where free pointers are encoded.
    memory.write32(this.linkOf(object), first);
    memory.write32(head, object);
    if (first === 0) this.parts.context.machine.irqWork.queue();
    memory.irqRestore(flags);
  }

  /** defer_free_barrier: every CPU has done what it has put off. */
  barrier(): void {
    this.parts.context.machine.calls.callOnEach(() => true, this.runHere, 0);
  }

  /** The objects of a cache that wait on a CPU, for an audit. */
  *of(s: KmemCachePtr, cpu: number): Generator<Address> {
    let object = this.memory.read32(this.memory.perCpuPtr(this.list + Deferred.objects, cpu));
    for (; object !== 0; object = this.memory.read32(this.linkOf(object))) {
      if (this.cacheOf(object) === s) yield object;
    }
  }

  /** free_deferred_objects, as the irq_work of a CPU: this one, or one that has gone. */
  run(cpu: number): void {
    const { memory } = this;
    const flags = memory.irqSave();
    const head = memory.perCpuPtr(this.list + Deferred.objects, cpu);
    let object = memory.read32(head);
    memory.write32(head, 0);
    memory.irqRestore(flags);
    while (object !== 0) {
      const s = this.cacheOf(object);
      const next = memory.read32(this.linkOf(object));
      this.freeNow(s, this.parts.context.pages.virtToHeadPage(object), object);
      object = next;
    }
  }

  protected freeNow(s: KmemCachePtr, page: PagePtr, object: Address): void {
    this.parts.slowFree.free(s, page, [object]);
    this.parts.context.stat(s, FREE_SLOWPATH);
  }

  /** Where its free pointer will be: outside of what a debug cache checks. */
  protected linkOf(object: Address): Address {
    return object + this.memory.read32(this.cacheOf(object) + KmemCache.offset);
  }

  private cacheOf(object: Address): KmemCachePtr {
    return this.memory.read32(this.parts.context.pages.virtToHeadPage(object) + Page.slabCache);
  }
}
