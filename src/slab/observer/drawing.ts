// SPDX-License-Identifier: GPL-2.0-only
/** A SLAB cache drawn: the array of a CPU, shared and alien arrays and lists of a node, slabs. */
import {
  type CacheDrawing,
  drawSlabList,
  type ListState,
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
import type { SlabContext } from "../slab-context.ts";
import {
  AlienCache,
  ArrayCache,
  ENTRY,
  entryAt,
  KmemCache,
  KmemCacheNode,
  type KmemCachePtr,
} from "../structs.ts";

export class SlabDrawing implements CacheDrawing {
  private readonly memory: Memory;
  private readonly nodes: number;
  private readonly reading: Reading;

  constructor(context: SlabContext, reading: Reading) {
    this.memory = context.memory;
    this.nodes = context.nodes;
    this.reading = reading;
  }

  cpu(s: KmemCachePtr, cpu: number): PlaceState {
    const { peek } = this.reading;
    const ac = this.memory.perCpuPtr(peek(s + KmemCache.cpuSlab), cpu);
    const room = `avail ${peek(ac + ArrayCache.avail)} of ${peek(ac + ArrayCache.limit)}`;
    return { name: `CPU ${cpu}`, facts: [room], lists: [this.array("array", ac)] };
  }

  node(nid: number, n: Address): PlaceState {
    const { peek } = this.reading;
    const shared = peek(n + KmemCacheNode.shared);
    const slabs = (head: number) => drawSlabList(this.reading, n + head, Page.lru);
    const lists: ListState[] = [
      { name: "partial", entries: slabs(KmemCacheNode.slabsPartial) },
      { name: "full", entries: slabs(KmemCacheNode.slabsFull) },
      { name: "free", entries: slabs(KmemCacheNode.slabsFree) },
    ];
    if (shared !== 0) lists.push(this.array("shared", shared));
    lists.push(...this.aliens(n));
    const facts = [
      `free_objects ${peek(n + KmemCacheNode.freeObjects)}`,
      lockFact(this.reading, n + KmemCacheNode.listLock),
    ];
    return { name: `node ${nid}`, facts, lists };
  }

  /** The arrays of objects that belong to other nodes, as far as there are any in them. */
  private aliens(n: Address): ListState[] {
    const { peek } = this.reading;
    const table = peek(n + KmemCacheNode.alien);
    const nodes = Array.from({ length: table === 0 ? 0 : this.nodes }, (_, nid) => nid);
    return nodes.flatMap((nid) => {
      const alien = peek(table + (nid << 2));
      const list = alien === 0 ? undefined : this.array(`alien[${nid}]`, alien + AlienCache.ac);
      return list === undefined || list.entries.length === 0 ? [] : [list];
    });
  }

  private array(name: string, ac: Address): ListState {
    const { peek, draw } = this.reading;
    const length = Math.min(Math.max(peek(ac + ArrayCache.avail), 0), LONGEST_LIST);
    const entries = Array.from({ length }, (_, i) => draw(peek(entryAt(ac, i))));
    return { name, entries };
  }

  slab(s: KmemCachePtr, page: PagePtr): SlabState {
    const { peek } = this.reading;
    const objects = peek(s + KmemCache.num);
    const active = peek(page + Page.counters);
    const freelist = this.freeObjects(s, page, active, objects);
    return { objects, counters: `${active} of ${objects} in use`, freelist };
  }

  /** Those whose numbers stand behind the `active` first of the slab's array, one byte each. */
  private freeObjects(s: KmemCachePtr, page: PagePtr, active: number, objects: number): string[] {
    const { peek, draw } = this.reading;
    const numbers = peek(page + Page.freelist);
    const size = peek(s + KmemCache.size);
    const length = numbers === 0 ? 0 : Math.min(Math.max(objects - active, 0), LONGEST_LIST);
    return Array.from({ length }, (_, i) => {
      const at = numbers + active + i;
      const number = (peek(at & ~3) >>> ((at & 3) << 3)) & 0xff;
      return draw(this.firstObject(s, page) + number * size);
    });
  }

  firstObject(_s: KmemCachePtr, page: PagePtr): Address {
    return this.reading.peek(page + Page.sMem);
  }

  cpuWord(s: KmemCachePtr, into: number): Named | undefined {
    const limit = this.reading.peek(s + KmemCache.limit);
    if (into < 0 || into >= ENTRY + 4 * limit) return undefined;
    return this.entryOrField("ac", into);
  }

  /** A field of an array cache, or one of its entries. */
  private entryOrField(array: string, into: number): Named {
    if (into < ENTRY) {
      const field = fieldAt(ArrayCache, into);
      return { name: `${array}->${field}`, field: `array_cache.${field}` };
    }
    return {
      name: `${array}->entry[${(into - ENTRY) >> 2}]`,
      field: "array_cache.entry",
      draw: (value) => this.reading.draw(value),
    };
  }

  cacheWord(into: number): Named | undefined {
    if (into < 0 || into >= sizeOf(KmemCache)) return undefined;
    const field = fieldAt(KmemCache, into);
    return { name: `s->${field}`, field: `kmem_cache.${field}` };
  }

  nodeWord(address: Address, nid: number, n: Address): Named | undefined {
    if (address >= n && address < n + sizeOf(KmemCacheNode)) {
      const field = fieldAt(KmemCacheNode, address - n);
      return {
        name: `node ${nid}: ${field.replace(".word", "")}`,
        field: `kmem_cache_node.${field}`,
      };
    }
    return this.arrayOfNode(address, nid, n);
  }

  private arrayOfNode(address: Address, nid: number, n: Address): Named | undefined {
    const { peek } = this.reading;
    const within = (ac: Address, name: string): Named | undefined => {
      const into = address - ac;
      if (into < 0 || into >= ENTRY + 4 * peek(ac + ArrayCache.limit)) return undefined;
      return this.entryOrField(`node ${nid}: ${name}`, into);
    };
    const shared = peek(n + KmemCacheNode.shared);
    const inShared = shared === 0 ? undefined : within(shared, "shared");
    if (inShared !== undefined) return inShared;
    const table = peek(n + KmemCacheNode.alien);
    for (let other = 0; table !== 0 && other < this.nodes; other++) {
      const alien = peek(table + (other << 2));
      if (alien === 0) continue;
      if (address >= alien && address < alien + AlienCache.ac) {
        return { name: `node ${nid}: alien[${other}]->lock`, field: "alien_cache.lock" };
      }
      const named = within(alien + AlienCache.ac, `alien[${other}]`);
      if (named !== undefined) return named;
    }
    return undefined;
  }

  objectWord(_s: KmemCachePtr, into: number): string {
    return `+${into}`;
  }

  drawCounters(value: number): string {
    return this.reading.draw(value);
  }
}
