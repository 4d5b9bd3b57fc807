// SPDX-License-Identifier: GPL-2.0-only
/**
 * Who may have the last pages, and what is done before a request fails: the watermarks of zones, tasks
 * that may go below them (PF_MEMALLOC), and the shrinkers that a task in need calls (mm/vmscan.c).
 *
 *     free pages of a zone
 *     | high      a request is met at once as long as `low` pages stay free; high is where kswapd
 *     | low       would stop, which this machine does not have
 *     | min       … else the task reclaims memory itself, and may go down to min
 *     | min / 2   … with __GFP_HIGH; to 3/4 of that if it cannot wait
 *     | 0         … with __GFP_MEMALLOC or PF_MEMALLOC: the reserves
 */
import { TASK_NUMBERS } from "../machine/cpus.ts";
import type { Machine } from "../machine/machine.ts";
import type { Address, Memory } from "../machine/memory.ts";
import { isFunction, isInt32, named, OBJECT } from "../machine/option-check.ts";
import { struct, word } from "../machine/struct.ts";
import { __GFP_DMA, __GFP_HIGH, __GFP_MEMALLOC, __GFP_NOMEMALLOC, __GFP_WAIT } from "./gfp.ts";
import { Page, type PagePtr, PG_PFMEMALLOC } from "./page.ts";
import { type Zone, ZoneState } from "./zone.ts";

const TaskReclaim = struct(
  "task_reclaim",
  {
    /** PF_MEMALLOC: 1 or 0. */
    memalloc: word,
    /** reclaim_state->reclaimed_slab: pages of slabs that the task gave back while it reclaims. */
    reclaimed: word,
  },
  64,
);

/** What a cache's user can free when memory is short. Called where a task asks for pages: it may sleep. */
export interface Shrinker {
  /** How many objects could be freed. */
  count(): number;
  /** Frees up to `most` of them; returns how many it has freed, or -1 to be left alone (SHRINK_STOP). */
  scan(most: number): number;
  /** How much work it is to make an object again; 2 by default. A cache of seeks 4 is shrunk half as much. */
  readonly seeks?: number;
}

const DEFAULT_SEEKS = 2;
/** The first look takes one object in 2^12, the last one all. */
const DEF_PRIORITY = 12;
const BATCH = 128;
const MOST_SHRINKERS = 32;
/** Enough for one task, whatever it asked for. */
const SWAP_CLUSTER_MAX = 32;
const LEAST_MIN_FREE_KBYTES = 128;
const MOST_MIN_FREE_KBYTES = 65_536;
const KBYTES_A_PAGE = 4;

export type Watermark = "min" | "low" | "high";

export class Reserves {
  declare private readonly machine: Machine;
  declare private readonly memory: Memory;
  declare private readonly zones: readonly Zone[];
  declare private readonly tasks: readonly Address[];
  declare private readonly minFree: Address;
  /** shrinker->nr_deferred: what a shrinker was asked for and did not do yet. */
  declare private readonly deferred: Address;
  /** What a shrinker throws must not pass through the allocation that it is called in. */
  guard: (shrinker: Shrinker) => Shrinker = (shrinker) => shrinker;
  /** Those of this thread. */
  private readonly shrinkers: Shrinker[] = [];

  constructor(machine: Machine, zones: readonly Zone[]) {
    const { statics } = machine;
    this.machine = machine;
    this.memory = machine.memory;
    this.zones = zones;
    this.tasks = Array.from({ length: TASK_NUMBERS }, (_, task) =>
      statics.allocate(TaskReclaim, `reclaim of task ${task}`),
    );
    this.minFree = statics.words(1, "min_free_kbytes");
    this.deferred = statics.words(MOST_SHRINKERS, "nr_deferred");
  }

  // ---- watermarks ----

  /** init_per_zone_wmark_min: by the thread that boots. */
  init(): void {
    const wanted = Math.floor(Math.sqrt(this.managedPages * KBYTES_A_PAGE * 16));
    this.minFreeKbytes = Math.min(Math.max(wanted, LEAST_MIN_FREE_KBYTES), MOST_MIN_FREE_KBYTES);
  }

  private get managedPages(): number {
    return this.zones.reduce((sum, zone) => sum + zone.end - zone.start, 0);
  }

  /** /proc/sys/vm/min_free_kbytes */
  get minFreeKbytes(): number {
    return this.memory.readOnce(this.minFree);
  }
  set minFreeKbytes(kbytes: number) {
    if (!isInt32(kbytes))
      throw new RangeError(`minFreeKbytes: ${named(kbytes)} is no number of KiB`);
    this.memory.writeOnce(this.minFree, kbytes);
  }

  /** __setup_per_zone_wmarks: pages of the zone. */
  watermark(zone: Zone, mark: Watermark): number {
    const pages = Math.floor(this.minFreeKbytes / KBYTES_A_PAGE);
    const min = Math.floor((pages * (zone.end - zone.start)) / this.managedPages);
    if (mark === "min") return min;
    return min + (mark === "low" ? min >> 2 : min >> 1);
  }

  /** __zone_watermark_ok, of single pages: whether the zone keeps enough. */
  keepsEnough(zone: Zone, order: number, gfp: number, mark: Watermark): boolean {
    let least = this.watermark(zone, mark);
    if ((gfp & __GFP_HIGH) !== 0) least -= least >> 1;
    if (mark === "min" && (gfp & (__GFP_WAIT | __GFP_NOMEMALLOC)) === 0) least -= least >> 2;
    // data_race: without the zone's lock, as in Linux; the count may be a moment old.
    const free = this.memory.readRacy(zone.at + ZoneState.nrFree) - (1 << order);
    return free >= least + this.lowmemReserve(zone, gfp);
  }

  /** Pages of zone DMA that requests which could do with others leave there. */
  private lowmemReserve(zone: Zone, gfp: number): number {
    const { nodes } = this.machine.options;
    if (zone.name !== "DMA" || (gfp & __GFP_DMA) !== 0) return 0;
    return Math.floor(this.managedPages / nodes) >> 8;
  }

  // ---- tasks ----

  private get own(): Address {
    return this.tasks[this.memory.current()] as Address;
  }

  private get isMemalloc(): boolean {
    return this.memory.read32(this.own + TaskReclaim.memalloc) !== 0;
  }

  /**
   * memalloc_noreclaim_save: from here on the calling task may use the reserves, and reclaims nothing.
   * Returns what `noreclaimRestore` takes.
   */
  noreclaimSave(): number {
    return this.setMemalloc(1);
  }

  noreclaimRestore(flags: number): void {
    if (!isInt32(flags)) throw new RangeError(`noreclaimRestore: ${named(flags)} was not saved`);
    this.setMemalloc(flags);
  }

  private setMemalloc(memalloc: number): number {
    const at = this.own + TaskReclaim.memalloc;
    const before = this.memory.read32(at);
    this.memory.write32(at, memalloc);
    return before;
  }

  /** gfp_pfmemalloc_allowed: whether a request may use the reserves, and objects of slabs made of them. */
  allows(gfp: number): boolean {
    if ((gfp & __GFP_NOMEMALLOC) !== 0) return false;
    if ((gfp & __GFP_MEMALLOC) !== 0) return true;
    return !this.memory.inInterrupt() && this.isMemalloc;
  }

  /** Whether the task may reclaim: not one that is at it already. */
  get mayReclaim(): boolean {
    return !this.isMemalloc && !this.memory.inInterrupt();
  }

  /** page_is_pfmemalloc */
  isReserve(page: PagePtr): boolean {
    // data_race: it is set while nobody else knows the page. Who still sees it keeps the reserve longer.
    return (this.memory.readRacy(page + Page.flags) & PG_PFMEMALLOC) !== 0;
  }

  /** slab_clear_pfmemalloc: the reserve is no longer needed. With the lock of the slab's node. */
  unmark(page: PagePtr): void {
    // Atomic: others look at the word while they free objects of the slab.
    if (this.isReserve(page)) this.memory.add(page + Page.flags, -PG_PFMEMALLOC);
  }

  /** pfmemalloc_match: whether a request may have an object of the slab. */
  matches(page: PagePtr, gfp: number): boolean {
    return !this.isReserve(page) || this.allows(gfp);
  }

  // ---- reclaim ----

  /**
   * register_shrinker, for this thread: it is called when this thread finds memory short.
   * @throws RangeError for what is no shrinker, and where the thread has too many
   */
  registerShrinker(shrinker: Shrinker): void {
    const isOne = OBJECT.is(shrinker) && isFunction(shrinker.count) && isFunction(shrinker.scan);
    if (!isOne || !((shrinker.seeks ?? DEFAULT_SEEKS) > 0)) {
      throw new RangeError("registerShrinker: a shrinker has count(), scan() and seeks above 0");
    }
    if (this.shrinkers.length === MOST_SHRINKERS) {
      throw new RangeError(`a thread has at most ${MOST_SHRINKERS} shrinkers`);
    }
    this.shrinkers.push(this.guard(shrinker));
  }

  /** Slabs were given back: credit to the task, if it reclaims. */
  credit(pages: number): void {
    const { memory, own } = this;
    if (!memory.inInterrupt() && this.isMemalloc) {
      memory.write32(
        own + TaskReclaim.reclaimed,
        memory.read32(own + TaskReclaim.reclaimed) + pages,
      );
    }
  }

  /** do_try_to_free_pages: has shrinkers free objects, ever more of them. Returns the pages that came back. */
  reclaim(order: number): number {
    const { memory, own } = this;
    const enough = Math.max(SWAP_CLUSTER_MAX, 1 << order);
    const flags = this.noreclaimSave();
    memory.write32(own + TaskReclaim.reclaimed, 0);
    for (let priority = DEF_PRIORITY; priority >= 0; priority--) {
      this.shrinkers.forEach((shrinker, index) => {
        this.shrink(shrinker, this.deferred + index * 4, priority);
      });
      if (memory.read32(own + TaskReclaim.reclaimed) >= enough) break;
    }
    this.noreclaimRestore(flags);
    return memory.read32(own + TaskReclaim.reclaimed);
  }

  /** do_shrink_slab */
  private shrink(shrinker: Shrinker, deferred: Address, priority: number): void {
    const { memory } = this;
    const { seeks = DEFAULT_SEEKS } = shrinker;
    const freeable = shrinker.count();
    if (freeable <= 0) return;
    const left = memory.xchg(deferred, 0);
    const delta = Math.floor((4 * freeable) / seeks / 2 ** priority);
    // Many small requests are not to empty the cache for one that comes once.
    const most = delta < freeable / 4 ? freeable / 2 : 2 * freeable;
    let total = Math.floor(Math.min(left + delta, most));
    while (total > 0 && (total >= BATCH || total >= freeable)) {
      const asked = Math.min(BATCH, total);
      if (shrinker.scan(asked) < 0) break;
      total -= asked;
    }
    if (total > 0) memory.add(deferred, total);
  }
}
