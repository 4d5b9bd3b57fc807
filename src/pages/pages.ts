// SPDX-License-Identifier: GPL-2.0-only
/**
 * The page allocator as the slab allocators see it: blocks of 2^order pages from the nearest node
 * that has some, and the way from an address to its descriptor and back.
 *
 *     layout.free           first page          DMA end         node boundary          layout.end
 *     | array of struct page | node 0: DMA      | Normal        | node 1: Normal   …   |
 *
 * Single pages pass through the lists of the CPU (pcp.ts), larger blocks come from their zone
 * (buddy.ts) under its lock. The first page of a block says how the block stands: PG_ALLOCATED,
 * PG_PCP or PG_BUDDY, and its order. There is no reclaim: a request that cannot be met now is refused with
 * NULL, __GFP_NOFAIL included, after the pages that other CPUs keep were called in (__GFP_WAIT).
 */
import { KernelBug } from "../machine/kernel-bug.ts";
import {
  type Machine,
  MachineOptionsError,
  NO_GROWTH,
  PAGE_SHIFT,
  PAGE_SIZE,
} from "../machine/machine.ts";
import type { Address, Memory } from "../machine/memory.ts";
import {
  SpinLock,
  spinLockIrqsave,
  spinUnlockIrqrestore,
  timesContended,
} from "../machine/spinlock.ts";
import { sizeOf } from "../machine/struct.ts";
import { Buddy, pageblockWords } from "./buddy.ts";
import { findProblems } from "./check-buddy.ts";
import {
  __GFP_COMP,
  __GFP_HIGH,
  __GFP_NOFAIL,
  __GFP_NORETRY,
  __GFP_RECLAIMABLE,
  __GFP_WAIT,
  __GFP_ZERO,
} from "./gfp.ts";
import { initPages } from "./init-pages.ts";
import {
  PAGE_STRUCT_SHIFT,
  Page,
  PageArray,
  type PagePtr,
  PG_ALLOCATED,
  PG_HEAD,
  PG_NODE_MASK,
  PG_NODE_SHIFT,
  PG_PFMEMALLOC,
  PG_RANGE,
} from "./page.ts";
import { PcpLists } from "./pcp.ts";
import { PageRanges } from "./ranges.ts";
import {
  cutIntoZones,
  MAX_ORDER,
  MIGRATE_RECLAIMABLE,
  MIGRATE_UNMOVABLE,
  shares,
  type Zone,
  ZoneState,
} from "./zone.ts";
import { Zonelists } from "./zonelist.ts";

/** Items of the node statistics: pages that slabs of reclaimable and of other caches take. */
export const NR_SLAB_RECLAIMABLE = 0;
export const NR_SLAB_UNRECLAIMABLE = 1;
const NODE_ITEMS = 2;

/** Pages that a memory begins with, whatever it may grow to. */
const LEAST_PAGES = 256;

// Local names: see machine/inlining.ts.
const SHIFT = PAGE_SHIFT;
const STRUCT_SHIFT = PAGE_STRUCT_SHIFT;
/** What is left in `flags` of a page that goes back. */
const NODE_BITS = PG_NODE_MASK << PG_NODE_SHIFT;

export class Pages {
  declare readonly array: PageArray;
  declare readonly zones: readonly Zone[];
  declare readonly buddy: Buddy;
  declare readonly pcp: PcpLists;
  /** Page.head of page 0: at hand for virtToHeadPage, which every free begins with. */
  declare private readonly heads: Address;
  declare protected readonly machine: Machine;
  declare protected readonly memory: Memory;
  declare private readonly zonelists: Zonelists;
  declare private readonly ranges: PageRanges;
  /** Number of the first page that can be had. */
  declare private readonly first: number;
  declare private readonly end: number;
  declare private readonly nodeState: Address;
  declare private readonly drainFunction: number;

  /** Builds the same objects over the same places on every thread; touches no memory. */
  constructor(machine: Machine) {
    const { free, end } = machine.layout;
    this.machine = machine;
    this.memory = machine.memory;
    this.array = new PageArray(machine.options.start ?? 0, Math.ceil(free / 64) * 64);
    this.heads = this.array.base + Page.head;
    this.end = end >> SHIFT;
    this.first = Math.ceil(this.array.numbered(this.end) / PAGE_SIZE);
    this.zones = cutIntoZones(this.nodeStarts(), this.end, (name) =>
      machine.statics.allocate(ZoneState, name),
    );
    this.zonelists = new Zonelists(machine.topology, this.zones);
    const pageblocks = machine.statics.words(pageblockWords(this.end), "pageblock types");
    this.buddy = new Buddy(machine.memory, this.array, pageblocks);
    this.ranges = new PageRanges(machine.memory, this.array, this.buddy);
    this.pcp = new PcpLists(machine, this.array, this.buddy, this.zones);
    this.nodeState = machine.statics.words(machine.options.nodes * NODE_ITEMS, "node vmstat");
    this.drainFunction = machine.functions.register(() => this.pcp.drainThisCpu());
  }

  /** The first page of each node. @throws MachineOptionsError where the page array leaves no room */
  private nodeStarts(): number[] {
    const { first, end } = this;
    const { nodes, growth = NO_GROWTH } = this.machine.options;
    const grown = end - growth.bytes / PAGE_SIZE;
    if (grown - first < LEAST_PAGES) {
      throw new MachineOptionsError(
        `memory must have more bytes where it may grow by ${growth.bytes}, whose pages it describes`,
      );
    }
    const withCpus = shares(first, grown, nodes - growth.nodes);
    return growth.nodes === 0 ? withCpus : [...withCpus, ...shares(grown, end, growth.nodes)];
  }

  /** Run once, by the thread that boots, before anything is allocated. */
  init(): void {
    initPages(this.memory, this.array, this.buddy, this.zones);
  }

  // ---- addresses ----

  /** virt_addr_valid: whether the address lies in a page that can be had. */
  virtAddrValid(address: Address): boolean {
    const pfn = address >>> SHIFT;
    return pfn >= this.first && pfn < this.end;
  }

  /** virt_to_page */
  virtToPage(address: Address): PagePtr {
    return this.array.of(address);
  }

  /** virt_to_head_page: the descriptor of the block that holds `address`. */
  virtToHeadPage(address: Address): PagePtr {
    return this.memory.read32(this.heads + ((address >>> SHIFT) << STRUCT_SHIFT));
  }

  /** page_address */
  pageAddress(page: PagePtr): Address {
    return this.array.address(page);
  }

  /** page_to_nid */
  pageToNid(page: PagePtr): number {
    // data_race: the node never changes, whatever the page's owner does to the other bits.
    return (this.memory.readRacy(page + Page.flags) >>> PG_NODE_SHIFT) & PG_NODE_MASK;
  }

  /** compound_order: log2 of the pages in the block of which `page` is the first. */
  compoundOrder(page: PagePtr): number {
    return this.memory.read32(page + Page.order);
  }

  // ---- allocation ----

  /**
   * alloc_pages_node: 2^order pages, or 0. `node` NUMA_NO_NODE: from this CPU's node on.
   * With __GFP_WAIT interrupts must be on; they are off only where lists are touched.
   */
  allocPages(gfp: number, order: number, node: number): PagePtr {
    if (order >= MAX_ORDER) return 0;
    const zonelist = this.zonesFor(gfp, node);
    let page = this.takeFrom(zonelist, gfp, order);
    if (page === 0 && (gfp & (__GFP_WAIT | __GFP_NORETRY)) === __GFP_WAIT) {
      this.drainAllPages();
      page = this.takeFrom(zonelist, gfp, order);
    }
    if (page !== 0) this.prepare(page, gfp, order);
    return page;
  }

  /** node_zonelist: the zones that may serve a request, in order. */
  protected zonesFor(gfp: number, node: number): readonly Zone[] {
    const { topology } = this.machine;
    const from = node < 0 ? topology.cpuToNode(this.memory.smpProcessorId()) : node;
    return this.zonelists.of(gfp, from);
  }

  /** get_page_from_freelist: the first zone that has a block. */
  private takeFrom(zonelist: readonly Zone[], gfp: number, order: number): PagePtr {
    const mayTakeAll = (gfp & (__GFP_HIGH | __GFP_NOFAIL)) !== 0;
    for (const zone of zonelist) {
      const keep = mayTakeAll ? 0 : zone.reserve;
      const page = this.takeFromZone(zone, gfp, order, keep);
      if (page !== 0) return page;
    }
    return 0;
  }

  /** buffered_rmqueue: a block that leaves `keep` pages free in the zone, marked as allocated; or 0. */
  protected takeFromZone(zone: Zone, gfp: number, order: number, keep: number): PagePtr {
    const type = (gfp & __GFP_RECLAIMABLE) !== 0 ? MIGRATE_RECLAIMABLE : MIGRATE_UNMOVABLE;
    return order === 0 ? this.pcp.take(zone, type, keep) : this.takeBlock(zone, order, type, keep);
  }

  private takeBlock(zone: Zone, order: number, type: number, keep: number): PagePtr {
    const { memory } = this;
    const flags = spinLockIrqsave(memory, zone.at + ZoneState.lock);
    const page = this.buddy.take(zone, order, type, keep);
    if (page !== 0) {
      memory.write32(page + Page.flags, memory.read32(page + Page.flags) | PG_ALLOCATED);
    }
    spinUnlockIrqrestore(memory, zone.at + ZoneState.lock, flags);
    return page;
  }

  /**
   * alloc_contig_pages: `count` pages, more than a block has, or 0. As for blocks, pages that CPUs keep
   * are called in, and with __GFP_ZERO they are zeroed.
   */
  allocRange(gfp: number, count: number, node: number): PagePtr {
    const { memory } = this;
    const zonelist = this.zonesFor(gfp, node);
    let page = this.takeRange(zonelist, count);
    if (page === 0 && (gfp & __GFP_WAIT) !== 0) {
      this.drainAllPages();
      page = this.takeRange(zonelist, count);
    }
    if (page !== 0 && (gfp & __GFP_ZERO) !== 0) {
      memory.fill(this.array.address(page), 0, PAGE_SIZE * count);
    }
    return page;
  }

  private takeRange(zonelist: readonly Zone[], count: number): PagePtr {
    for (const zone of zonelist) {
      const page = this.ranges.take(zone, count, zone.reserve);
      if (page !== 0) return page;
    }
    return 0;
  }

  /** Bytes of the block or range that begins at `page`. */
  blockBytes(page: PagePtr): number {
    const isRange = (this.memory.readOnce(page + Page.flags) & PG_RANGE) !== 0;
    return isRange ? PAGE_SIZE * this.ranges.length(page) : PAGE_SIZE << this.compoundOrder(page);
  }

  /** Gives back a compound block or a range, which begins at `page`. */
  freeCompound(page: PagePtr): void {
    const { memory } = this;
    const flags = memory.readOnce(page + Page.flags);
    if ((flags & PG_RANGE) === 0) {
      this.freePages(page, this.compoundOrder(page));
      return;
    }
    // Full barrier: of two that free the same range at the same time, only one gets past here.
    if (memory.cmpxchg(page + Page.flags, flags, flags & ~PG_HEAD) !== flags) {
      throw new KernelBug("double-free", `BUG: ${this.nameOf(page)} was freed twice at once`);
    }
    this.ranges.free(this.zoneOf(page, flags), page);
  }

  /** prep_new_page: the block is not visible to others yet. */
  protected prepare(page: PagePtr, gfp: number, order: number): void {
    const { memory } = this;
    if ((gfp & __GFP_COMP) !== 0 && order > 0) {
      memory.write32(page + Page.flags, memory.read32(page + Page.flags) | PG_HEAD);
      for (let i = 1; i < 1 << order; i++) {
        memory.write32(page + i * sizeOf(Page) + Page.head, page);
      }
    }
    if ((gfp & __GFP_ZERO) !== 0) memory.fill(this.array.address(page), 0, PAGE_SIZE << order);
  }

  /**
   * __free_pages: gives back the block that begins at `page`; `order` as it was asked for. A page
   * that begins no allocated block raises double-free, a wrong order or a page still in use by
   * its owner bad-access.
   */
  freePages(page: PagePtr, order: number): void {
    const { memory } = this;
    const found = memory.readOnce(page + Page.flags);
    this.checkFree(page, order, found);
    // Full barrier: of two that free the same page at the same time, only one gets past here.
    if (memory.cmpxchg(page + Page.flags, found, found & NODE_BITS) !== found) {
      throw new KernelBug("double-free", `BUG: ${this.nameOf(page)} was freed twice at once`);
    }
    if ((found & PG_HEAD) !== 0) {
      for (let tail = page + sizeOf(Page); tail < page + (sizeOf(Page) << order); ) {
        memory.write32(tail + Page.head, tail);
        tail += sizeOf(Page);
      }
    }
    const zone = this.zoneOf(page, found);
    if (order === 0) {
      this.pcp.free(zone, page);
      return;
    }
    const flags = spinLockIrqsave(memory, zone.at + ZoneState.lock);
    this.buddy.free(zone, this.array.number(page), order);
    spinUnlockIrqrestore(memory, zone.at + ZoneState.lock, flags);
  }

  /** free_pages_check */
  protected checkFree(page: PagePtr, order: number, flags: number): void {
    if ((flags & PG_ALLOCATED) === 0) {
      throw new KernelBug("double-free", `BUG: ${this.nameOf(page)} is freed but not allocated`);
    }
    if ((flags & ~(NODE_BITS | PG_ALLOCATED | PG_HEAD | PG_PFMEMALLOC)) !== 0) {
      throw new KernelBug(
        "bad-access",
        `BUG: Bad page state: ${this.nameOf(page)} is freed with flags 0x${(flags >>> 0).toString(16)}`,
      );
    }
    if (this.memory.readOnce(page + Page.counters) !== 0) {
      throw new KernelBug(
        "bad-access",
        `BUG: Bad page state: ${this.nameOf(page)} is freed with a nonzero mapcount`,
      );
    }
    const is = this.compoundOrder(page);
    if (is !== order) {
      throw new KernelBug(
        "bad-access",
        `BUG: Bad page state: ${this.nameOf(page)} of order ${is} is freed as order ${order}`,
      );
    }
  }

  /** page_mapcount_reset: a slab of SLUB counts its objects in the word that tells how often a page is mapped. */
  mapcountReset(page: PagePtr): void {
    this.memory.write32(page + Page.counters, 0);
  }

  private nameOf(page: PagePtr): string {
    return `page ${this.array.number(page)}`;
  }

  private zoneOf(page: PagePtr, flags: number): Zone {
    const dma = this.zones[0] as Zone;
    if (this.array.number(page) < dma.end) return dma;
    return this.zones[1 + ((flags >>> PG_NODE_SHIFT) & PG_NODE_MASK)] as Zone;
  }

  /** drain_all_pages: no CPU keeps a free page to itself afterwards. Interrupts must be on. */
  drainAllPages(): void {
    this.machine.calls.callOnEach((cpu) => this.pcp.holdsAny(cpu), this.drainFunction, 0);
  }

  // ---- memory that comes and goes ----

  /** N_MEMORY: whether pages of a node can be had. */
  hasMemory(node: number): boolean {
    return this.zonesOf(node).every(
      (zone) => this.memory.readOnce(zone.at + ZoneState.isolated) === 0,
    );
  }

  /** node_to_mem_node: the nearest node whose pages can be had. */
  memoryNode(node: number): number {
    return this.machine.topology.byDistance(node).find((near) => this.hasMemory(near)) ?? node;
  }

  /** start_isolate_page_range: from here on pages of the node are only taken back. */
  isolate(node: number): void {
    this.writeIsolated(node, 1);
  }

  /** undo_isolate_page_range: pages of the node are given out again. */
  undoIsolate(node: number): void {
    this.writeIsolated(node, 0);
  }

  private writeIsolated(node: number, isolated: 0 | 1): void {
    const { memory } = this;
    for (const zone of this.zonesOf(node)) {
      const flags = spinLockIrqsave(memory, zone.at + ZoneState.lock);
      // WRITE_ONCE: also read without the lock.
      memory.writeOnce(zone.at + ZoneState.isolated, isolated);
      spinUnlockIrqrestore(memory, zone.at + ZoneState.lock, flags);
    }
  }

  /** test_pages_isolated: whether no page of a node is in use or on a CPU's list. */
  isUnused(node: number): boolean {
    return this.zonesOf(node).every(
      (zone) => this.memory.readOnce(zone.at + ZoneState.nrFree) === zone.end - zone.start,
    );
  }

  private zonesOf(node: number): Zone[] {
    return this.zones.filter((zone) => zone.node === node);
  }

  // ---- counts ----

  /** Free pages that can be had of a node, those on per-CPU lists included; exact when the machine is quiet. */
  nrFree(node: number): number {
    let free = 0;
    for (const zone of this.zones) {
      if (zone.node !== node || this.memory.readOnce(zone.at + ZoneState.isolated) !== 0) continue;
      free += this.memory.readOnce(zone.at + ZoneState.nrFree);
      for (let cpu = 0; cpu < this.machine.options.cpus; cpu++) free += this.pcp.count(zone, cpu);
    }
    return free;
  }

  /** Pages of nodes whose pages can be had. */
  presentPages(): number {
    let pages = 0;
    for (const { node, start, end } of this.zones) if (this.hasMemory(node)) pages += end - start;
    return pages;
  }

  /** nr_free_pages() over all nodes. */
  freePagesTotal(): number {
    let free = 0;
    for (let node = 0; node < this.machine.options.nodes; node++) free += this.nrFree(node);
    return free;
  }

  /** Where the pages that can be allocated begin. */
  get firstAddress(): Address {
    return this.first << SHIFT;
  }

  /** Pages that can be allocated: memory less the machine's own and the page array. */
  totalPages(): number {
    return this.end - this.first;
  }

  /** mod_zone_page_state: adds `n` pages to an item of the node that `page` belongs to. */
  modNodePageState(page: PagePtr, item: number, n: number): void {
    // Atomic: any CPU may count for any node.
    this.memory.add(this.nodeState + (this.pageToNid(page) * NODE_ITEMS + item) * 4, n);
  }

  nodePageState(node: number, item: number): number {
    return this.memory.readOnce(this.nodeState + (node * NODE_ITEMS + item) * 4);
  }

  /** How often each zone's lock was taken, and how often that meant waiting. */
  lockStatistics(): { zone: string; node: number; acquired: number; contended: number }[] {
    return this.zones.map((zone) => ({
      zone: zone.name,
      node: zone.node,
      acquired: this.memory.readOnce(zone.at + ZoneState.lock + SpinLock.acquired),
      contended: timesContended(
        this.memory.readOnce(zone.at + ZoneState.lock + SpinLock.contendedAndClass),
      ),
    }));
  }

  /**
   * Walks everything on a quiet machine: each page is exactly once allocated, on a buddy list or
   * on a per-CPU list, and the counts agree. Returns what is wrong, a line each. `orderGiven` knows of
   * blocks that a dead task was about to put on a list: their order, -1 for all others.
   */
  checkBuddy(orderGiven: (page: PagePtr) => number = () => -1): string[] {
    return findProblems(this.memory, this, this.machine.options.cpus, orderGiven);
  }
}
