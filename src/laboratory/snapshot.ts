/**
 * The state of a laboratory's cache at one moment of a replay, drawn for readers: the slabs and objects
 * of each CPU, the nodes' lists, and every slab with its objects. The replay does not notice; a list
 * may be in the middle of a change, so every walk is bounded.
 */
import { KmemCacheBase } from "../caches/kmem-cache.ts";
import type { Address } from "../machine/memory.ts";
import { Page, type PagePtr, PG_SLAB } from "../pages/page.ts";
import {
  ArrayCache,
  entryAt,
  KmemCache as SlabCache,
  KmemCacheNode as SlabNode,
} from "../slab/structs.ts";
import { inuseOf, isFrozen, objectsOf } from "../slub/counters.ts";
import { KmemCache, KmemCacheCpu, KmemCacheNode, TID_STEP } from "../slub/structs.ts";
import type { Laboratory } from "./laboratory.ts";

/** A named list of objects or slabs, such as `freelist` of a CPU. */
export interface ListState {
  readonly name: string;
  readonly entries: readonly string[];
}

export interface PlaceState {
  /** `CPU 0`, `node 0`. */
  readonly name: string;
  /** Single words: the tid, the cpu slab, nr_partial. */
  readonly facts: readonly string[];
  readonly lists: readonly ListState[];
}

export interface SlabState {
  readonly number: number;
  /** `2 of 4 in use, frozen`. */
  readonly counters: string;
  readonly freelist: readonly string[];
  /** Of each object: it is allocated. */
  readonly held: readonly boolean[];
}

export interface Snapshot {
  readonly places: readonly PlaceState[];
  readonly slabs: readonly SlabState[];
}

/** A longer list than this is torn or circular. */
const LONGEST = 64;

export function snapshotOf(lab: Laboratory): Snapshot {
  return lab.memory.inspect(() => new SnapshotReader(lab).read());
}

class SnapshotReader {
  private readonly lab: Laboratory;
  private readonly peek: (address: Address) => number;

  constructor(lab: Laboratory) {
    this.lab = lab;
    this.peek = (address) =>
      address > 0 && address < lab.memory.byteLength ? lab.memory.peek(address & ~3) : 0;
  }

  read(): Snapshot {
    const { cpus, nodes } = this.lab.system.machine.options;
    const isSlub = this.lab.slub !== undefined;
    const places: PlaceState[] = [];
    for (let cpu = 0; cpu < cpus; cpu++)
      places.push(isSlub ? this.slubCpu(cpu) : this.slabCpu(cpu));
    for (let nid = 0; nid < nodes; nid++) {
      const n = this.peek(this.lab.s + KmemCacheBase.node + (nid << 2));
      if (n !== 0) places.push(isSlub ? this.slubNode(nid, n) : this.slabNode(nid, n));
    }
    return { places, slabs: this.slabs().map((page) => this.slab(page, isSlub)) };
  }

  private cpuWord(cpu: number): Address {
    const { memory, s } = this.lab;
    return memory.perCpuPtr(this.peek(s + KmemCacheBase.cpuSlab), cpu);
  }

  private slubCpu(cpu: number): PlaceState {
    const c = this.cpuWord(cpu);
    const tid = this.peek(c + KmemCacheCpu.tid);
    const page = this.peek(c + KmemCacheCpu.page);
    const facts = [
      `page ${page === 0 ? "NULL" : this.pageName(page)}`,
      `tid ${(tid >>> 0) >>> Math.log2(TID_STEP)}`,
    ];
    const lists: ListState[] = [
      { name: "freelist", entries: this.objects(this.peek(c + KmemCacheCpu.freelist)) },
      { name: "partial", entries: this.chain(this.peek(c + KmemCacheCpu.partial)) },
    ];
    return { name: `CPU ${cpu}`, facts, lists };
  }

  private slubNode(nid: number, n: Address): PlaceState {
    const facts = [
      `nr_partial ${this.peek(n + KmemCacheNode.nrPartial)}`,
      `nr_slabs ${this.peek(n + KmemCacheNode.nrSlabs)}`,
      this.peek(n + KmemCacheNode.listLock) === 0 ? "list_lock free" : "list_lock held",
    ];
    const lists = [{ name: "partial", entries: this.lru(n + KmemCacheNode.partial) }];
    return { name: `node ${nid}`, facts, lists };
  }

  private slabCpu(cpu: number): PlaceState {
    const ac = this.cpuWord(cpu);
    return { name: `CPU ${cpu}`, facts: [this.room(ac)], lists: [this.array("array", ac)] };
  }

  private slabNode(nid: number, n: Address): PlaceState {
    const shared = this.peek(n + SlabNode.shared);
    const lists: ListState[] = [
      { name: "partial", entries: this.lru(n + SlabNode.slabsPartial) },
      { name: "full", entries: this.lru(n + SlabNode.slabsFull) },
      { name: "free", entries: this.lru(n + SlabNode.slabsFree) },
    ];
    if (shared !== 0) lists.push(this.array("shared", shared));
    const facts = [
      `free_objects ${this.peek(n + SlabNode.freeObjects)}`,
      this.peek(n + SlabNode.listLock) === 0 ? "list_lock free" : "list_lock held",
    ];
    return { name: `node ${nid}`, facts, lists };
  }

  private room(ac: Address): string {
    return `avail ${this.peek(ac + ArrayCache.avail)} of ${this.peek(ac + ArrayCache.limit)}`;
  }

  private array(name: string, ac: Address): ListState {
    const length = Math.min(Math.max(this.peek(ac + ArrayCache.avail), 0), LONGEST);
    const entries = Array.from({ length }, (_, i) => this.objectName(this.peek(entryAt(ac, i))));
    return { name, entries };
  }

  /** Objects from `first` on, by their free pointers. */
  private objects(first: Address): string[] {
    const offset = this.peek(this.lab.s + KmemCache.offset);
    const found: string[] = [];
    for (let at = first; at !== 0 && found.length < LONGEST; at = this.peek(at + offset)) {
      found.push(this.objectName(at));
      if (found.at(-1)?.startsWith("0x")) break;
    }
    return found;
  }

  private chain(first: PagePtr): string[] {
    const found: string[] = [];
    for (
      let page = first;
      page !== 0 && found.length < LONGEST;
      page = this.peek(page + Page.next)
    ) {
      found.push(this.pageName(page));
    }
    return found;
  }

  private lru(head: Address): string[] {
    const found: string[] = [];
    for (
      let at = this.peek(head);
      at !== head && at !== 0 && found.length < LONGEST;
      at = this.peek(at)
    ) {
      found.push(this.pageName(at - Page.lru));
    }
    return found;
  }

  private pageName(page: PagePtr): string {
    return `slab ${this.lab.system.pages.array.number(page)}`;
  }

  private objectName(address: Address): string {
    return this.lab.draw(address);
  }

  private slabs(): PagePtr[] {
    const { pages } = this.lab.system;
    const found: PagePtr[] = [];
    for (const zone of pages.zones) {
      for (let pfn = zone.start; pfn < zone.end; pfn++) {
        const page = pages.array.numbered(pfn);
        if ((this.peek(page + Page.flags) & PG_SLAB) === 0) continue;
        if (this.peek(page + Page.slabCache) === this.lab.s) found.push(page);
      }
    }
    return found;
  }

  private slab(page: PagePtr, isSlub: boolean): SlabState {
    const { system, s, ledger } = this.lab;
    const size = this.peek(s + KmemCacheBase.size);
    const counters = this.peek(page + Page.counters);
    const objects = isSlub ? objectsOf(counters) : this.peek(s + SlabCache.num);
    const inuse = isSlub ? inuseOf(counters) : counters;
    const first = isSlub ? system.pages.pageAddress(page) : this.peek(page + Page.sMem);
    return {
      number: system.pages.array.number(page),
      counters: `${inuse} of ${objects} in use${isSlub && isFrozen(counters) ? ", frozen" : ""}`,
      freelist: isSlub ? this.objects(this.peek(page + Page.freelist)) : [],
      held: Array.from({ length: objects }, (_, i) => ledger.isLive(first + i * size)),
    };
  }
}
