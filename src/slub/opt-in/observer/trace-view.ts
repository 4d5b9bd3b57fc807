// SPDX-License-Identifier: GPL-2.0-only
/**
 * The state of a cache of 6.19 in the words of the recorded runs: what each CPU has in sheaves, if the
 * cache has any, then what it owns, then what lies on each node, its barn first.
 *
 *     one CPU     m=31/-/- c=1:16:0 p= pc=0 b=0/1 n= np=0 ns=2 to=32
 *     several     m1=1/-/- c0=39:16:0 b0=0/1 n0= np0=0 ns0=40 to0=640 b1=0/0 n1= …
 */
import type { Attributes } from "../../../caches/attribute.ts";
import type { SheafSteps, SlabNumbers } from "../../../caches/trace-view.ts";
import { Page, type PagePtr } from "../../../pages/page.ts";
import { SlubTraceView, textsOf } from "../../observer/trace-view.ts";
import { SheafScriptSteps } from "../../sheaves/observer/script-steps.ts";
import { SheafTraceView } from "../../sheaves/observer/trace-view.ts";
import { KmemCache, KmemCacheCpu, type KmemCachePtr } from "../../structs.ts";
import type { OptInSlub } from "../slub.ts";
import { OPT_IN_STAT_NAMES } from "../statistics.ts";

const SHOWN = [
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
];

export class OptInTraceView extends SlubTraceView {
  readonly sheafSteps: SheafSteps;
  private readonly sheafView: SheafTraceView;

  private readonly shown: Attributes;

  constructor(slub: OptInSlub, files: Attributes) {
    super(slub);
    this.shown = files;
    this.sheafView = new SheafTraceView(slub.optIn, files);
    this.sheafSteps = new SheafScriptSteps(slub.optIn);
  }

  override describe(s: KmemCachePtr): Record<string, number> {
    const word = (field: number) => this.slub.context.memory.read32(s + field);
    const { sheaf_capacity = 0, ...shape } = this.sheafView.describe(s);
    return {
      ...shape,
      cpu_partial: word(KmemCache.cpuPartial),
      cpu_partial_slabs: word(KmemCache.cpuPartialSlabs),
      sheaf_capacity,
    };
  }

  override state(s: KmemCachePtr, numbers: SlabNumbers): string {
    return [...this.sheafView.cpuStates(s), super.state(s, numbers)].join(" ");
  }

  protected override nodeState(s: KmemCachePtr, nid: number, numbers: SlabNumbers): string {
    return this.sheafView.barnState(s, nid) + super.nodeState(s, nid, numbers);
  }

  override snapshot(s: KmemCachePtr, numbers: SlabNumbers): Record<string, unknown> {
    return {
      ...textsOf(this.shown, [...SHOWN, ...OPT_IN_STAT_NAMES], s),
      sheaves: this.sheafView.sheaves(s, numbers),
      cpu: this.cpuSlabs(s, numbers),
      barns: this.sheafView.barns(s, numbers),
      free: this.sheafView.free(s, numbers),
    };
  }

  /** What each CPU owns that owns anything. */
  private cpuSlabs(s: KmemCachePtr, numbers: SlabNumbers): Record<string, unknown> {
    const { memory } = this.slub.context;
    const owned = this.objects.cpus(s).flatMap((c, cpu) => {
      const page = memory.read32(c + KmemCacheCpu.page);
      const partial = this.chain(memory.read32(c + KmemCacheCpu.partial));
      if (page === 0 && partial.length === 0) return [];
      const lists = partial.map((at): [number, number[]] => [
        numbers(at),
        this.sheafView.freelist(s, at),
      ]);
      const state = {
        slab: page === 0 ? -1 : numbers(page),
        freelist: this.sheafView.indexesFrom(s, page, memory.read32(c + KmemCacheCpu.freelist)),
        partial: Object.fromEntries(lists),
      };
      return [[`c${cpu}`, state]];
    });
    return Object.fromEntries(owned);
  }

  private chain(head: PagePtr): PagePtr[] {
    const pages: PagePtr[] = [];
    const { memory } = this.slub.context;
    for (let at = head; at !== 0; at = memory.read32(at + Page.next)) pages.push(at);
    return pages;
  }
}
