// SPDX-License-Identifier: GPL-2.0-only
/**
 * Per-CPU lists of single free pages, one for each zone and migrate type: most pages come and go
 * without the zone's lock, which is taken once a batch. A list is a stack through page->next and
 * belongs to its CPU; it is touched with interrupts off. Of an isolated zone a list gives nothing
 * out and takes nothing in: the pages that it still holds leave when it is drained.
 */
import type { Machine } from "../machine/machine.ts";
import type { Address, Memory } from "../machine/memory.ts";
import { spinLock, spinUnlock } from "../machine/spinlock.ts";
import { array, ptr, sizeOf, struct, word } from "../machine/struct.ts";
import type { Buddy } from "./buddy.ts";
import { Page, type PageArray, type PagePtr, PG_ALLOCATED, PG_PCP } from "./page.ts";
import { MIGRATE_TYPES, type Zone, ZoneState } from "./zone.ts";

export const PerCpuPages = struct("per_cpu_pages", {
  count: word,
  /** First page of each migrate type. */
  lists: array(ptr, MIGRATE_TYPES),
});

/** Pages moved to or from the buddy lists at once, and batches held before some are given back. */
const BATCH = 16;
const HIGH_BATCHES = 4;

export class PcpLists {
  declare private readonly memory: Memory;
  declare private readonly pageArray: PageArray;
  declare private readonly buddy: Buddy;
  declare private readonly zones: readonly Zone[];
  /** Offset in the per-CPU areas of one struct per_cpu_pages a zone. */
  declare private readonly offset: Address;

  constructor(machine: Machine, pageArray: PageArray, buddy: Buddy, zones: readonly Zone[]) {
    this.memory = machine.memory;
    this.pageArray = pageArray;
    this.buddy = buddy;
    this.zones = zones;
    this.offset = machine.percpu.define(zones.length * sizeOf(PerCpuPages));
  }

  private offsetOf(zone: Zone): Address {
    return this.offset + zone.index * sizeOf(PerCpuPages);
  }

  /** Small zones are not to end up on these lists altogether. */
  private batchOf(zone: Zone): number {
    return Math.max(1, Math.min(BATCH, (zone.end - zone.start) >> 8));
  }

  /**
   * A page of the zone, marked as allocated; 0 where the zone is isolated or has only `keep` pages
   * left.
   */
  take(zone: Zone, type: number, keep: number): PagePtr {
    const { memory } = this;
    const flags = memory.irqSave();
    const pcp = memory.thisCpuPtr(this.offsetOf(zone));
    const list = pcp + PerCpuPages.lists + type * 4;
    let page = 0;
    if (!this.isIsolated(zone)) page = memory.read32(list) || this.refill(zone, pcp, type, keep);
    if (page !== 0) {
      memory.write32(list, memory.read32(page + Page.next));
      memory.write32(pcp + PerCpuPages.count, memory.read32(pcp + PerCpuPages.count) - 1);
      const pageFlags = memory.read32(page + Page.flags);
      memory.write32(page + Page.flags, (pageFlags & ~PG_PCP) | PG_ALLOCATED);
    }
    memory.irqRestore(flags);
    return page;
  }

  /** rmqueue_bulk: up to a batch of pages onto this CPU's empty list, the first one on top. */
  private refill(zone: Zone, pcp: Address, type: number, keep: number): PagePtr {
    const { memory } = this;
    const batch = this.batchOf(zone);
    let link = pcp + PerCpuPages.lists + type * 4;
    let taken = 0;
    spinLock(memory, zone.at + ZoneState.lock);
    for (; taken < batch; taken++) {
      const page = this.buddy.take(zone, 0, type, keep);
      if (page === 0) break;
      memory.write32(page + Page.flags, memory.read32(page + Page.flags) | PG_PCP);
      memory.write32(link, page);
      link = page + Page.next;
    }
    spinUnlock(memory, zone.at + ZoneState.lock);
    memory.write32(link, 0);
    memory.write32(pcp + PerCpuPages.count, memory.read32(pcp + PerCpuPages.count) + taken);
    return memory.read32(pcp + PerCpuPages.lists + type * 4);
  }

  /**
   * READ_ONCE: the zone's lock is not held. A task that isolates a zone drains the lists afterwards, and
   * that call is not answered between this read and the change of the list.
   */
  private isIsolated(zone: Zone): boolean {
    return this.memory.readOnce(zone.at + ZoneState.isolated) !== 0;
  }

  /**
   * free_hot_cold_page: onto this CPU's list; a batch goes back when that is long. A page of an
   * isolated zone goes back at once.
   */
  free(zone: Zone, page: PagePtr): void {
    const { memory } = this;
    const type = this.buddy.typeOf(this.pageArray.number(page));
    const flags = memory.irqSave();
    if (this.isIsolated(zone)) {
      spinLock(memory, zone.at + ZoneState.lock);
      this.buddy.free(zone, this.pageArray.number(page), 0);
      spinUnlock(memory, zone.at + ZoneState.lock);
      memory.irqRestore(flags);
      return;
    }
    const pcp = memory.thisCpuPtr(this.offsetOf(zone));
    const list = pcp + PerCpuPages.lists + type * 4;
    memory.write32(page + Page.flags, memory.read32(page + Page.flags) | PG_PCP);
    memory.write32(page + Page.next, memory.read32(list));
    memory.write32(list, page);
    const count = memory.read32(pcp + PerCpuPages.count) + 1;
    memory.write32(pcp + PerCpuPages.count, count);
    const batch = this.batchOf(zone);
    if (count > batch * HIGH_BATCHES) this.giveBack(zone, pcp, batch);
    memory.irqRestore(flags);
  }

  /** free_pcppages_bulk: up to `most` pages from this CPU's lists to the buddy lists. */
  private giveBack(zone: Zone, pcp: Address, most: number): void {
    const { memory } = this;
    let left = most;
    spinLock(memory, zone.at + ZoneState.lock);
    for (let type = 0; type < MIGRATE_TYPES; type++) {
      const list = pcp + PerCpuPages.lists + type * 4;
      let page = memory.read32(list);
      for (; page !== 0 && left > 0; left--) {
        const next = memory.read32(page + Page.next);
        memory.write32(page + Page.flags, memory.read32(page + Page.flags) & ~PG_PCP);
        this.buddy.free(zone, this.pageArray.number(page), 0);
        page = next;
      }
      memory.write32(list, page);
    }
    spinUnlock(memory, zone.at + ZoneState.lock);
    const given = most - left;
    memory.write32(pcp + PerCpuPages.count, memory.read32(pcp + PerCpuPages.count) - given);
  }

  /** drain_local_pages: all of this CPU's lists. Interrupts are off. */
  drainThisCpu(): void {
    for (const zone of this.zones) this.drain(zone, this.memory.thisCpuPtr(this.offsetOf(zone)));
  }

  /** page_alloc_cpu_notify: the same for a CPU that is absent. Interrupts are off. */
  drainAbsentCpu(cpu: number): void {
    for (const zone of this.zones)
      this.drain(zone, this.memory.perCpuPtr(this.offsetOf(zone), cpu));
  }

  private drain(zone: Zone, pcp: Address): void {
    const count = this.memory.read32(pcp + PerCpuPages.count);
    if (count > 0) this.giveBack(zone, pcp, count);
  }

  /**
   * How many pages of the zone a CPU holds: a glance from outside, unless the machine is quiet. The CPU
   * writes the count plainly, as in drain_all_pages of the kernel, which only guesses by it.
   */
  count(zone: Zone, cpu: number): number {
    const pcp = this.memory.perCpuPtr(this.offsetOf(zone), cpu);
    return this.memory.readRacy(pcp + PerCpuPages.count);
  }

  /** How many pages a CPU holds. */
  held(cpu: number): number {
    return this.zones.reduce((sum, zone) => sum + this.count(zone, cpu), 0);
  }

  /** Whether a CPU holds any page. */
  holdsAny(cpu: number): boolean {
    return this.zones.some((zone) => this.count(zone, cpu) > 0);
  }

  /** First page of a list of a CPU, for the audit. */
  first(zone: Zone, cpu: number, type: number): PagePtr {
    const pcp = this.memory.perCpuPtr(this.offsetOf(zone), cpu);
    return this.memory.readOnce(pcp + PerCpuPages.lists + type * 4);
  }
}
