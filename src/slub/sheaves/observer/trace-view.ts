// SPDX-License-Identifier: GPL-2.0-only
/**
 * The state of a cache with sheaves in the words of the recorded runs: what each CPU has, then what
 * lies on each node.
 *
 *     one CPU     m=27/0/- b=0/0 n=1:12 np=1 ns=2 to=32
 *     several     m0=4/0/- m1=1/-/- b0=0/0 n0=40:4 np0=1 ns0=41 to0=656 b1=0/0 n1= …
 *
 * m: objects in main, spare and rcu_free sheaf; b: full and empty sheaves in the barn.
 */
import type { Attributes } from "../../../caches/attribute.ts";
import type { SheafSteps, SlabNumbers, TraceView } from "../../../caches/trace-view.ts";
import type { Address, Memory } from "../../../machine/memory.ts";
import { Page, type PagePtr } from "../../../pages/page.ts";
import { inuseOf, objectsOf } from "../../counters.ts";
import {
  KmemCache,
  KmemCacheNode,
  type KmemCacheNodePtr,
  type KmemCachePtr,
  ooObjects,
  ooOrder,
} from "../../structs.ts";
import { SHEAF_STAT_NAMES } from "../statistics.ts";
import { Barn, type SheafPtr } from "../structs.ts";
import { SheafScriptSteps } from "./script-steps.ts";
import type { Sheaved } from "./sheaved.ts";

export class SheafTraceView implements TraceView {
  readonly hasBulk = true;
  readonly sheafSteps: SheafSteps;
  private readonly slub: Sheaved;
  private readonly memory: Memory;
  private readonly single: boolean;
  private readonly files: Attributes;

  constructor(slub: Sheaved, files: Attributes) {
    this.slub = slub;
    this.files = files;
    this.memory = slub.context.memory;
    this.single = slub.context.machine.options.cpus === 1;
    this.sheafSteps = new SheafScriptSteps(slub);
  }

  describe(s: KmemCachePtr): Record<string, number> {
    const word = (field: number) => this.memory.read32(s + field);
    const oo = word(KmemCache.oo);
    return {
      size: word(KmemCache.size),
      object_size: word(KmemCache.objectSize),
      align: word(KmemCache.align),
      inuse: word(KmemCache.inuse),
      offset: word(KmemCache.offset),
      red_left_pad: word(KmemCache.redLeftPad),
      order: ooOrder(oo),
      objs: ooObjects(oo),
      min_partial: word(KmemCache.minPartial),
      sheaf_capacity: word(KmemCache.sheafCapacity),
    };
  }

  describeSlab(_s: KmemCachePtr, page: PagePtr): Record<string, number> {
    const objs = objectsOf(this.memory.read32(page + Page.counters));
    return this.single ? { objs } : { objs, node: this.slub.context.pages.pageToNid(page) };
  }

  indexOf(s: KmemCachePtr, page: PagePtr, object: Address): number {
    const { memory } = this;
    const first =
      this.slub.context.pages.pageAddress(page) + memory.read32(s + KmemCache.redLeftPad);
    return (object - first) / memory.read32(s + KmemCache.size);
  }

  state(s: KmemCachePtr, numbers: SlabNumbers): string {
    const parts = [
      ...this.cpuStates(s),
      ...this.nodes().map((nid) => this.nodeState(s, nid, numbers)),
    ];
    return parts.join(" ");
  }

  private nodes(): number[] {
    return Array.from({ length: this.slub.context.machine.options.nodes }, (_, nid) => nid);
  }

  private cpus(): number[] {
    return Array.from({ length: this.slub.context.machine.options.cpus }, (_, cpu) => cpu);
  }

  private hasSheaves(s: KmemCachePtr): boolean {
    return this.slub.sheaves.capacityOf(s) !== 0;
  }

  private threeOf(s: KmemCachePtr, cpu: number): [SheafPtr, SheafPtr, SheafPtr] {
    const { sheafLock } = this.slub;
    const pcs = sheafLock.ofCpu(s, cpu);
    return [sheafLock.main(pcs), sheafLock.spare(pcs), sheafLock.rcuFree(pcs)];
  }

  private isIdle(s: KmemCachePtr, cpu: number): boolean {
    const [main, spare, rcuFree] = this.threeOf(s, cpu);
    return this.slub.sheaves.size(main) === 0 && spare === 0 && rcuFree === 0;
  }

  cpuStates(s: KmemCachePtr): string[] {
    if (!this.hasSheaves(s)) return [];
    const size = (sheaf: SheafPtr) => (sheaf === 0 ? "-" : this.slub.sheaves.size(sheaf));
    return this.cpus()
      .filter((cpu) => this.single || !this.isIdle(s, cpu))
      .map((cpu) => `m${this.single ? "" : cpu}=${this.threeOf(s, cpu).map(size).join("/")}`);
  }

  private nodeState(s: KmemCachePtr, nid: number, numbers: SlabNumbers): string {
    const { context } = this.slub;
    const n = context.nodeOf(s, nid);
    const tag = this.single ? "" : nid;
    const word = (field: number) => this.memory.read32(n + field);
    const slabs = this.partial(n).map(
      (page) => `${numbers(page)}:${inuseOf(this.memory.read32(page + Page.counters))}`,
    );
    return `${this.barnState(s, nid)}n${tag}=${slabs.join(",")} np${tag}=${word(KmemCacheNode.nrPartial)} ns${tag}=${word(KmemCacheNode.nrSlabs)} to${tag}=${word(KmemCacheNode.totalObjects)}`;
  }

  /** A blank follows; nothing where there is no barn. */
  barnState(s: KmemCachePtr, nid: number): string {
    if (!this.hasSheaves(s)) return "";
    const { barns } = this.slub;
    const barn = barns.of(s, nid);
    return `b${this.single ? "" : nid}=${barns.nrFull(barn)}/${barns.nrEmpty(barn)} `;
  }

  private partial(n: KmemCacheNodePtr): PagePtr[] {
    return this.slub.nodePartial.partialSlabs(n);
  }

  snapshot(s: KmemCachePtr, numbers: SlabNumbers): Record<string, unknown> {
    return {
      ...this.attributes(s),
      sheaves: this.sheaves(s, numbers),
      barns: this.barns(s, numbers),
      free: this.free(s, numbers),
    };
  }

  /** Files that are recorded, as sysfs shows them. */
  private attributes(s: KmemCachePtr): Record<string, unknown> {
    return Object.fromEntries(
      RECORDED.map((name) => [name, shown(this.files.get(name)?.show?.(s) ?? "")]),
    );
  }

  sheaves(s: KmemCachePtr, numbers: SlabNumbers): Record<string, unknown> {
    if (!this.hasSheaves(s)) return {};
    const content = (sheaf: SheafPtr) => (sheaf === 0 ? null : this.content(s, sheaf, numbers));
    return Object.fromEntries(
      this.cpus()
        .filter((cpu) => !this.isIdle(s, cpu))
        .map((cpu) => {
          const [main, spare, rcuFree] = this.threeOf(s, cpu).map(content);
          return [`c${cpu}`, { main, spare, rcu_free: rcuFree }];
        }),
    );
  }

  barns(s: KmemCachePtr, numbers: SlabNumbers): Record<string, unknown> {
    if (!this.hasSheaves(s)) return {};
    const { barns } = this.slub;
    return Object.fromEntries(
      this.nodes().map((nid) => {
        const barn = barns.of(s, nid);
        const full = barns.list(barn + Barn.full).map((sheaf) => this.content(s, sheaf, numbers));
        return [nid, { full, empty: barns.nrEmpty(barn) }];
      }),
    );
  }

  free(s: KmemCachePtr, numbers: SlabNumbers): Record<string, unknown> {
    const pages = this.nodes().flatMap((nid) => this.partial(this.slub.context.nodeOf(s, nid)));
    return Object.fromEntries(pages.map((page) => [numbers(page), this.freelist(s, page)]));
  }

  freelist(s: KmemCachePtr, page: PagePtr): number[] {
    return this.indexesFrom(s, page, this.memory.read32(page + Page.freelist));
  }

  /** The objects of a chain by their places in the slab. */
  indexesFrom(s: KmemCachePtr, page: PagePtr, head: Address): number[] {
    const indexes: number[] = [];
    let object = head;
    for (; object !== 0; object = this.slub.freePointers.get(s, object)) {
      indexes.push(this.indexOf(s, page, object));
    }
    return indexes;
  }

  private content(s: KmemCachePtr, sheaf: SheafPtr, numbers: SlabNumbers): string[] {
    return this.slub.sheaves.objects(sheaf).map((object) => {
      const page = this.slub.context.pages.virtToHeadPage(object);
      return `${numbers(page)}:${this.indexOf(s, page, object)}`;
    });
  }

  setRemoteNodeDefragRatio(s: KmemCachePtr, ratio: number): void {
    this.memory.write32(s + KmemCache.remoteNodeDefragRatio, ratio);
  }
}

const RECORDED = [
  "slab_size",
  "object_size",
  "objs_per_slab",
  "order",
  "sheaf_capacity",
  "min_partial",
  "cpu_partial",
  "objects_partial",
  "partial",
  "cpu_slabs",
  "align",
  "slabs_cpu_partial",
  "total_objects",
  "objects",
  "slabs",
  "remote_node_defrag_ratio",
  ...SHEAF_STAT_NAMES,
];

/** As the recorded runs have it: a number where nothing else is said. */
function shown(text: string | number): number | string {
  const trimmed = `${text}`.trimEnd();
  return /^\d+$/.test(trimmed) ? Number(trimmed) : trimmed;
}
