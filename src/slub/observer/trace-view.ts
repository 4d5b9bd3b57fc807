// SPDX-License-Identifier: GPL-2.0-only
/**
 * SLUB's state in the words of the recorded runs: what each CPU owns, then what lies on each node.
 *
 *     one CPU        c=2:16:9 p=1:15,0:14 pc=2/2 n=4:3 np=1 ns=5 to=80
 *     since 5.16     c=2:16:9 p=1:15,0:14 pc=2 n=4:3 np=1 ns=5 to=80
 *     several        c0=2:16:9 p1=1:15 pc1=1/1 n0= np0=0 ns0=3 to0=48 n1= np1=0 ns1=0 to1=0
 *
 * A slab is written as number:inuse, a cpu slab with the length of its private list behind it.
 */

import type { Attributes } from "../../caches/attribute.ts";
import { since } from "../../caches/kernel-version.ts";
import type { SlabNumbers, TraceView } from "../../caches/trace-view.ts";
import type { Address } from "../../machine/memory.ts";
import { Page, type PagePtr } from "../../pages/page.ts";
import { inuseOf, objectsOf } from "../counters.ts";
import type { Slub } from "../cpu-slab/slub.ts";
import { STAT_NAMES } from "../statistics.ts";
import {
  KmemCache,
  KmemCacheCpu,
  type KmemCacheCpuPtr,
  KmemCacheNode,
  type KmemCachePtr,
  ooObjects,
  ooOrder,
} from "../structs.ts";
import { slubAttributes } from "./attributes.ts";
import { SlubObjects } from "./slab-counts.ts";

/** The files that a snapshot holds, in order; remote_node_defrag_ratio only with several CPUs. */
const SHOWN = [
  "slabs",
  "objects",
  "total_objects",
  "objects_partial",
  "partial",
  "cpu_slabs",
  "slabs_cpu_partial",
  "min_partial",
  "cpu_partial",
  "order",
  "objs_per_slab",
  "object_size",
  "slab_size",
  "align",
];

export class SlubTraceView implements TraceView {
  readonly hasBulk: boolean;
  protected readonly slub: Slub;
  protected readonly objects: SlubObjects;
  protected readonly single: boolean;
  private readonly countsSlabs: boolean;

  constructor(slub: Slub) {
    const { kernel } = slub.context.common;
    this.hasBulk = since(kernel, "4.3");
    this.countsSlabs = since(kernel, "5.16");
    this.slub = slub;
    this.objects = new SlubObjects(slub);
    this.single = slub.context.machine.options.cpus === 1;
  }

  describe(s: KmemCachePtr): Record<string, number> {
    const { memory } = this.slub.context;
    const oo = memory.read32(s + KmemCache.oo);
    return {
      size: memory.read32(s + KmemCache.size),
      object_size: memory.read32(s + KmemCache.objectSize),
      align: memory.read32(s + KmemCache.align),
      inuse: memory.read32(s + KmemCache.inuse),
      offset: memory.read32(s + KmemCache.offset),
      order: ooOrder(oo),
      objs: ooObjects(oo),
      min_partial: memory.read32(s + KmemCache.minPartial),
      cpu_partial: memory.read32(s + KmemCache.cpuPartial),
      ...(this.countsSlabs
        ? { cpu_partial_slabs: memory.read32(s + KmemCache.cpuPartialSlabs) }
        : {}),
    };
  }

  describeSlab(_s: KmemCachePtr, page: PagePtr): Record<string, number> {
    const { memory, pages } = this.slub.context;
    const objs = objectsOf(memory.read32(page + Page.counters));
    return this.single ? { objs } : { objs, node: pages.pageToNid(page) };
  }

  indexOf(s: KmemCachePtr, page: PagePtr, object: Address): number {
    const { memory, pages } = this.slub.context;
    const first = pages.pageAddress(page) + memory.read32(s + KmemCache.redLeftPad);
    return (object - first) / memory.read32(s + KmemCache.size);
  }

  state(s: KmemCachePtr, numbers: SlabNumbers): string {
    const cpus = this.objects.cpus(s).map((c, cpu) => this.cpuState(s, c, cpu, numbers));
    const nodes = Array.from({ length: this.slub.context.machine.options.nodes }, (_, nid) =>
      this.nodeState(s, nid, numbers),
    );
    return [...cpus, ...nodes].filter((part) => part !== "").join(" ");
  }

  private cpuState(s: KmemCachePtr, c: KmemCacheCpuPtr, cpu: number, numbers: SlabNumbers): string {
    const { memory } = this.slub.context;
    const page = memory.read32(c + KmemCacheCpu.page);
    const owned =
      page === 0
        ? "-"
        : `${this.slab(page, numbers)}:${this.length(s, memory.read32(c + KmemCacheCpu.freelist))}`;
    const head = memory.read32(c + KmemCacheCpu.partial);
    const chain: string[] = [];
    for (let at = head; at !== 0; at = memory.read32(at + Page.next)) {
      chain.push(this.slab(at, numbers));
    }
    const counted = this.countedIn(head);
    if (this.single) return `c=${owned} p=${chain.join(",")} pc=${counted}`;
    const parts: string[] = [];
    if (page !== 0) parts.push(`c${cpu}=${owned}`);
    if (head !== 0) parts.push(`p${cpu}=${chain.join(",")} pc${cpu}=${counted}`);
    return parts.join(" ");
  }

  /** What the head of a cpu partial list says of it. */
  private countedIn(head: PagePtr): string {
    const word = (field: number) =>
      head === 0 ? 0 : this.slub.context.memory.read32(head + field);
    const slabs = word(Page.pages);
    return this.countsSlabs ? `${slabs}` : `${slabs}/${word(Page.pobjects)}`;
  }

  protected nodeState(s: KmemCachePtr, nid: number, numbers: SlabNumbers): string {
    const { nodePartial, context } = this.slub;
    const n = context.nodeOf(s, nid);
    const { memory } = context;
    const slabs: string[] = [];
    for (let page = nodePartial.first(n); page !== 0; page = nodePartial.next(n, page)) {
      slabs.push(this.slab(page, numbers));
    }
    const tag = this.single ? "" : nid;
    const word = (field: number) => memory.read32(n + field);
    return `n${tag}=${slabs.join(",")} np${tag}=${word(KmemCacheNode.nrPartial)} ns${tag}=${word(KmemCacheNode.nrSlabs)} to${tag}=${word(KmemCacheNode.totalObjects)}`;
  }

  private slab(page: PagePtr, numbers: SlabNumbers): string {
    return `${numbers(page)}:${inuseOf(this.slub.context.memory.read32(page + Page.counters))}`;
  }

  private length(s: KmemCachePtr, freelist: Address): number {
    let length = 0;
    for (let at = freelist; at !== 0; at = this.slub.freePointers.get(s, at)) length++;
    return length;
  }

  snapshot(s: KmemCachePtr, _numbers: SlabNumbers): Record<string, unknown> {
    const more = this.single ? [] : ["remote_node_defrag_ratio"];
    return textsOf(slubAttributes(this.slub), [...SHOWN, ...more, ...STAT_NAMES], s);
  }

  setRemoteNodeDefragRatio(s: KmemCachePtr, ratio: number): void {
    this.slub.context.memory.write32(s + KmemCache.remoteNodeDefragRatio, ratio);
  }
}

/** What files say, as the recorded runs have it: a number where nothing else is said. */
export function textsOf(
  files: Attributes,
  names: readonly string[],
  s: KmemCachePtr,
): Record<string, unknown> {
  return Object.fromEntries(
    names.map((name) => {
      const text = String(files.get(name)?.show?.(s)).trimEnd();
      return [name, /^\d+$/.test(text) ? Number(text) : text];
    }),
  );
}
