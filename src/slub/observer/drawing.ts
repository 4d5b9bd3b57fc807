// SPDX-License-Identifier: GPL-2.0-only
/** A SLUB cache drawn: cpu slab, private list and partial list of a CPU, lists of a node, slabs. */
import {
  type CacheDrawing,
  drawSlabList,
  LONGEST_LIST,
  lockFact,
  type Named,
  type PlaceState,
  type Reading,
  type SlabState,
} from "../../caches/drawing.ts";
import type { Address, Memory } from "../../machine/memory.ts";
import { fieldAt, sizeOf } from "../../machine/struct.ts";
import { Page, type PagePtr } from "../../pages/page.ts";
import { inuseOf, isFrozen, objectsOf } from "../counters.ts";
import type { SlubContext } from "../slub-context.ts";
import { KmemCache, KmemCacheCpu, KmemCacheNode, type KmemCachePtr, TID_STEP } from "../structs.ts";

export class SlubDrawing implements CacheDrawing {
  protected readonly memory: Memory;
  private readonly context: SlubContext;
  protected readonly reading: Reading;

  constructor(context: SlubContext, reading: Reading) {
    this.context = context;
    this.memory = context.memory;
    this.reading = reading;
  }

  cpu(s: KmemCachePtr, cpu: number): PlaceState {
    const { peek, draw } = this.reading;
    const c = this.memory.perCpuPtr(peek(s + KmemCache.cpuSlab), cpu);
    const page = peek(c + KmemCacheCpu.page);
    return {
      name: `CPU ${cpu}`,
      facts: [
        `page ${page === 0 ? "NULL" : draw(page)}`,
        `tid ${eventsOf(peek(c + KmemCacheCpu.tid))}`,
      ],
      lists: [
        { name: "freelist", entries: this.objects(s, peek(c + KmemCacheCpu.freelist)) },
        { name: "partial", entries: this.chain(peek(c + KmemCacheCpu.partial)) },
      ],
    };
  }

  node(nid: number, n: Address): PlaceState {
    const { peek } = this.reading;
    const partial = drawSlabList(this.reading, n + KmemCacheNode.partial, Page.lru);
    return {
      name: `node ${nid}`,
      facts: [
        `nr_partial ${peek(n + KmemCacheNode.nrPartial)}`,
        `nr_slabs ${peek(n + KmemCacheNode.nrSlabs)}`,
        lockFact(this.reading, n + KmemCacheNode.listLock),
      ],
      lists: [{ name: "partial", entries: partial }],
    };
  }

  slab(s: KmemCachePtr, page: PagePtr): SlabState {
    const counters = this.reading.peek(page + Page.counters);
    const objects = objectsOf(counters);
    const frozen = isFrozen(counters) ? ", frozen" : "";
    return {
      objects,
      counters: `${inuseOf(counters)} of ${objects} in use${frozen}`,
      freelist: this.objects(s, this.reading.peek(page + Page.freelist)),
    };
  }

  firstObject(s: KmemCachePtr, page: PagePtr): Address {
    const pad = this.reading.peek(s + KmemCache.redLeftPad);
    return this.context.pages.pageAddress(page) + pad;
  }

  /** Objects from `first` on, by their free pointers; ends at what is no object. */
  private objects(s: KmemCachePtr, first: Address): string[] {
    const { peek, draw } = this.reading;
    const offset = peek(s + KmemCache.offset);
    const found: string[] = [];
    for (let at = first; at !== 0 && found.length < LONGEST_LIST; at = peek(at + offset)) {
      found.push(draw(at));
      if (found.at(-1)?.startsWith("0x")) break;
    }
    return found;
  }

  private chain(first: PagePtr): string[] {
    const { peek, draw } = this.reading;
    const found: string[] = [];
    for (
      let page = first;
      page !== 0 && found.length < LONGEST_LIST;
      page = peek(page + Page.next)
    ) {
      found.push(draw(page));
    }
    return found;
  }

  cpuWord(_s: KmemCachePtr, into: number): Named | undefined {
    if (into < 0 || into >= sizeOf(KmemCacheCpu)) return undefined;
    const field = fieldAt(KmemCacheCpu, into);
    const draw = field === "tid" ? drawTid : (value: number) => this.reading.draw(value);
    return { name: `c->${field}`, field: `kmem_cache_cpu.${field}`, draw };
  }

  cacheWord(into: number): Named | undefined {
    if (into < 0 || into >= sizeOf(KmemCache)) return undefined;
    const field = fieldAt(KmemCache, into);
    return { name: `s->${field}`, field: `kmem_cache.${field}` };
  }

  nodeWord(address: Address, nid: number, n: Address): Named | undefined {
    if (address < n || address >= n + sizeOf(KmemCacheNode)) return undefined;
    const field = fieldAt(KmemCacheNode, address - n);
    return {
      name: `node ${nid}: ${field.replace(".word", "")}`,
      field: `kmem_cache_node.${field}`,
    };
  }

  objectWord(s: KmemCachePtr, into: number): string {
    return into === this.reading.peek(s + KmemCache.offset) ? ": next" : `+${into}`;
  }

  drawCounters(value: number): string {
    return `${inuseOf(value)}/${objectsOf(value)}${isFrozen(value) ? " frozen" : ""}`;
  }
}

function eventsOf(tid: number): number {
  return (tid >>> 0) >>> Math.log2(TID_STEP);
}

function drawTid(value: number): string {
  return `${eventsOf(value)}@cpu${value & (TID_STEP - 1)}`;
}
