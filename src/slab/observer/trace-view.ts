// SPDX-License-Identifier: GPL-2.0-only
/**
 * SLAB's state in the words of the recorded runs: what each queue holds, then each node's slabs.
 *
 *     one CPU    ac=15 sh=-1 fo=47 par=0:16 full= free=
 *     several    ac0=8 ac2=15 sh0=12 fo0=0 al0-1=3 par0= full0=0:16 free0= …
 *
 * 6.1 adds the numbers of all and of empty slabs (ts, fs). A slab is written as number:active, an
 * object as slab:index, the oldest of a queue first.
 */

import { CACHE_LINE_SIZE } from "../../caches/alignment.ts";
import { since } from "../../caches/kernel-version.ts";
import type { SlabNumbers, TraceStyle, TraceView } from "../../caches/trace-view.ts";
import type { Address } from "../../machine/memory.ts";
import { Page, type PagePtr } from "../../pages/page.ts";
import type { Slab } from "../slab.ts";
import {
  AlienCache,
  ArrayCache,
  type ArrayCachePtr,
  entryAt,
  KmemCache,
  KmemCacheNode,
  type KmemCacheNodePtr,
  type KmemCachePtr,
} from "../structs.ts";

export class SlabTraceView implements TraceView {
  readonly hasBulk: boolean;
  private readonly slab: Slab;
  private readonly single: boolean;

  constructor(slab: Slab, { single }: TraceStyle) {
    this.slab = slab;
    this.single = single;
    this.hasBulk = since(slab.context.common.kernel, "4.3");
  }

  /** Nodes count their slabs since 4.10 (f728b0a5d72a). */
  private get countsSlabs(): boolean {
    return since(this.slab.context.common.kernel, "4.10");
  }

  private word(at: Address): number {
    return this.slab.context.memory.read32(at);
  }

  private cpuArray(s: KmemCachePtr, cpu: number): ArrayCachePtr {
    return this.slab.context.memory.perCpuPtr(this.word(s + KmemCache.cpuSlab), cpu);
  }

  describe(s: KmemCachePtr): Record<string, unknown> {
    const field = (of: number) => this.word(s + of);
    const n = this.slab.context.nodeOf(s, 0);
    return {
      size: field(KmemCache.size),
      object_size: field(KmemCache.objectSize),
      align: field(KmemCache.align),
      num: field(KmemCache.num),
      order: field(KmemCache.gfporder),
      colour: field(KmemCache.colour),
      colour_off: Math.max(CACHE_LINE_SIZE, field(KmemCache.align)),
      freelist_size: field(KmemCache.freelistSize),
      limit: field(KmemCache.limit),
      batchcount: field(KmemCache.batchcount),
      shared: field(KmemCache.shared),
      free_limit: this.word(n + KmemCacheNode.freeLimit),
      flags: numberIfDecimal((field(KmemCache.flags) >>> 0).toString(16)),
    };
  }

  describeSlab(_s: KmemCachePtr, page: PagePtr): Record<string, number> {
    const { pages } = this.slab.context;
    const colour_bytes = this.word(page + Page.sMem) - pages.pageAddress(page);
    return this.single ? { colour_bytes } : { colour_bytes, node: pages.pageToNid(page) };
  }

  indexOf(s: KmemCachePtr, page: PagePtr, object: Address): number {
    return this.slab.indexes.indexOf(s, page, object);
  }

  state(s: KmemCachePtr, numbers: SlabNumbers): string {
    if (this.single) {
      const avail = this.word(this.cpuArray(s, 0) + ArrayCache.avail);
      return `ac=${avail} ${this.nodeState(s, 0, "", numbers)}`;
    }
    const { machine, nodes } = this.slab.context;
    const parts: string[] = [];
    for (let cpu = 0; cpu < machine.options.cpus; cpu++) {
      const avail = this.word(this.cpuArray(s, cpu) + ArrayCache.avail);
      if (avail > 0) parts.push(`ac${cpu}=${avail}`);
    }
    for (let nid = 0; nid < nodes; nid++) parts.push(this.nodeState(s, nid, `${nid}`, numbers));
    return parts.join(" ");
  }

  private nodeState(s: KmemCachePtr, nid: number, tag: string, numbers: SlabNumbers): string {
    const n = this.slab.context.nodeOf(s, nid);
    const field = (of: number) => this.word(n + of);
    const shared = field(KmemCacheNode.shared);
    const parts = [
      `sh${tag}=${shared === 0 ? -1 : this.word(shared + ArrayCache.avail)}`,
      `fo${tag}=${field(KmemCacheNode.freeObjects)}`,
    ];
    for (const { other, ac } of this.aliens(n)) {
      const avail = this.word(ac + ArrayCache.avail);
      if (avail > 0) parts.push(`al${nid}-${other}=${avail}`);
    }
    const names = ["par", "full", "free"];
    for (const [i, head] of this.slab.lists.heads(n).entries()) {
      parts.push(`${names[i]}${tag}=${this.slabsOn(head, numbers)}`);
    }
    if (this.countsSlabs) {
      parts.push(`ts${tag}=${field(KmemCacheNode.totalSlabs)}`);
      parts.push(`fs${tag}=${field(KmemCacheNode.freeSlabs)}`);
    }
    return parts.join(" ");
  }

  private slabsOn(head: Address, numbers: SlabNumbers): string {
    const slabs: string[] = [];
    for (let at = this.word(head); at !== head; at = this.word(at)) {
      const page = at - Page.lru;
      slabs.push(`${numbers(page)}:${this.slab.indexes.active(page)}`);
    }
    return slabs.join(",");
  }

  private aliens(n: KmemCacheNodePtr): { other: number; ac: ArrayCachePtr }[] {
    const table = this.word(n + KmemCacheNode.alien);
    if (table === 0) return [];
    return Array.from({ length: this.slab.context.nodes }, (_, other) => ({
      other,
      alien: this.slab.aliens.at(table, other),
    }))
      .filter(({ alien }) => alien !== 0)
      .map(({ other, alien }) => ({ other, ac: alien + AlienCache.ac }));
  }

  snapshot(s: KmemCachePtr, numbers: SlabNumbers): Record<string, unknown> {
    const tunables = {
      limit: this.word(s + KmemCache.limit),
      batchcount: this.word(s + KmemCache.batchcount),
      shared: this.word(s + KmemCache.shared),
    };
    return { ...tunables, ...(this.single ? this.showOne(s, numbers) : this.showAll(s, numbers)) };
  }

  private showOne(s: KmemCachePtr, numbers: SlabNumbers): Record<string, unknown> {
    const n = this.slab.context.nodeOf(s, 0);
    const ac = this.cpuArray(s, 0);
    return {
      ...this.showNode(n, ""),
      ac_touched: this.word(ac + ArrayCache.touched),
      ac_entries: this.entries(s, ac, numbers),
      sh_entries: this.entries(s, this.word(n + KmemCacheNode.shared), numbers),
    };
  }

  private showNode(n: KmemCacheNodePtr, tag: string): Record<string, unknown> {
    return {
      [`free_limit${tag}`]: this.word(n + KmemCacheNode.freeLimit),
      [`colour_next${tag}`]: this.word(n + KmemCacheNode.colourNext),
      [`free_touched${tag}`]: this.word(n + KmemCacheNode.freeTouched),
    };
  }

  private showAll(s: KmemCachePtr, numbers: SlabNumbers): Record<string, unknown> {
    const { machine, nodes } = this.slab.context;
    const shown: Record<string, unknown> = {};
    for (let cpu = 0; cpu < machine.options.cpus; cpu++) {
      const ac = this.cpuArray(s, cpu);
      shown[`ac${cpu}_touched`] = this.word(ac + ArrayCache.touched);
      shown[`ac${cpu}_entries`] = this.entries(s, ac, numbers);
    }
    for (let nid = 0; nid < nodes; nid++) {
      const n = this.slab.context.nodeOf(s, nid);
      Object.assign(shown, this.showNode(n, `${nid}`));
      const shared = this.word(n + KmemCacheNode.shared);
      Object.assign(shown, this.showArray(s, shared, `sh${nid}`, numbers));
      for (const { other, ac } of this.aliens(n)) {
        Object.assign(shown, this.showArray(s, ac, `al${nid}-${other}`, numbers));
      }
    }
    return shown;
  }

  private showArray(
    s: KmemCachePtr,
    ac: ArrayCachePtr,
    name: string,
    numbers: SlabNumbers,
  ): Record<string, unknown> {
    if (ac === 0) return { [`${name}_entries`]: "" };
    return {
      [`${name}_entries`]: this.entries(s, ac, numbers),
      [`${name}_limit`]: this.word(ac + ArrayCache.limit),
      [`${name}_batchcount`]: this.word(ac + ArrayCache.batchcount) >>> 0,
    };
  }

  private entries(s: KmemCachePtr, ac: ArrayCachePtr, numbers: SlabNumbers): string {
    const length = ac === 0 ? 0 : this.word(ac + ArrayCache.avail);
    return Array.from({ length }, (_, i) => {
      const object = this.word(entryAt(ac, i));
      const page = this.slab.context.pages.virtToHeadPage(object);
      return `${numbers(page)}:${this.entryIndex(s, page, object)}`;
    }).join(",");
  }

  /**
   * Queues hold buffers. The recorder took each for an object and went back by the red zone's length,
   * so that with DEBUG_SLAB its records name the object before; we name the same.
   */
  private entryIndex(s: KmemCachePtr, page: PagePtr, entry: Address): number {
    const into = entry - this.word(s + KmemCache.objOffset) - this.word(page + Page.sMem);
    return Math.max(0, Math.floor(into / this.word(s + KmemCache.size)));
  }

  /** SLAB has none. */
  setRemoteNodeDefragRatio(): void {}
}

/** The records hold hexadecimal flags, which look like numbers if no letter is among them. */
function numberIfDecimal(text: string): number | string {
  return /^\d+$/.test(text) ? Number(text) : text;
}
