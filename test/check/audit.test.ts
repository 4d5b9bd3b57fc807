import { describe, expect, test } from "vitest";
import type { KmemCachePtr } from "../../src/caches/kmem-cache.ts";
import { audit } from "../../src/check/audit.ts";
import { listAdd, listDel } from "../../src/machine/list.ts";
import { GFP_KERNEL } from "../../src/pages/gfp.ts";
import { Page, type PagePtr, PG_ALLOCATED, PG_NODE_SHIFT } from "../../src/pages/page.ts";
import { NR_SLAB_UNRECLAIMABLE } from "../../src/pages/pages.ts";
import { inuseOf, withFrozen, withInuse } from "../../src/slub/counters.ts";
import { ALLOC_SLAB } from "../../src/slub/statistics.ts";
import { KmemCache, KmemCacheCpu, KmemCacheNode } from "../../src/slub/structs.ts";
import { cacheOfFour, give, OBJECTS, take, type Watched, watched } from "./systems.ts";

/** A cache in which every kind of place is taken. */
class Settled {
  readonly system: Watched = watched();
  readonly memory = this.system.memory;
  readonly pages = this.system.kernel.pages;
  readonly s: KmemCachePtr = cacheOfFour(this.system);
  /** An object in use of each of the slabs below. */
  readonly objects = this.settle();
  /** On the node's partial list. */
  readonly listed = this.pageOf(0);
  /** On no list. */
  readonly full = this.pageOf(1);
  /** On CPU 0's partial list. */
  readonly kept = this.pageOf(2);
  /** CPU 0's own. */
  readonly own = this.pageOf(3);
  readonly c = this.memory.perCpuPtr(this.memory.read32(this.s + KmemCache.cpuSlab), 0);
  readonly n = this.system.slub.context.nodeOf(this.s, 0);

  private settle(): number[] {
    const { system, s } = this;
    // One slab from the node is enough for a CPU.
    this.memory.write32(s + KmemCache.cpuPartial, 4);
    const objects = take(system, s, 3 * OBJECTS + 1);
    give(system, objects.slice(1, OBJECTS));
    system.slub.front.flushAll(s);
    take(system, s, 1);
    give(system, objects.slice(2 * OBJECTS + 1, 3 * OBJECTS));
    return [0, 1, 2, 3].map((slab) => objects[slab * OBJECTS] as number);
  }

  private pageOf(slab: number): PagePtr {
    return this.pages.virtToHeadPage(this.objects[slab] as number);
  }

  /** Changes a word. */
  change(at: number, to: (was: number) => number): void {
    this.memory.write32(at, to(this.memory.read32(at)));
  }

  counters(page: PagePtr, to: (was: number) => number): void {
    this.change(page + Page.counters, to);
  }
}

const more = (was: number): number => was + 1;
const less = (was: number): number => was - 1;

/** What is wrong, the class that the audit must name, and how it came to be. */
const rules: [string, string, (settled: Settled) => void][] = [
  [
    "free objects of a CPU that has no slab",
    "lost-object",
    (x) => x.change(x.c + KmemCacheCpu.page, () => 0),
  ],
  [
    "a cpu slab that is no slab",
    "use-after-free",
    (x) => x.change(x.c + KmemCacheCpu.page, (page) => page + 32 * 64),
  ],
  [
    "a slab that two CPUs have",
    "list-corruption",
    (x) => {
      const other = x.memory.perCpuPtr(x.memory.read32(x.s + KmemCache.cpuSlab), 1);
      x.memory.write32(other + KmemCacheCpu.page, x.own);
    },
  ],
  [
    "a frozen slab that no CPU has",
    "stuck-frozen-slab",
    (x) => x.change(x.c + KmemCacheCpu.partial, () => 0),
  ],
  [
    "a frozen slab on a node's list",
    "stuck-frozen-slab",
    (x) => x.counters(x.listed, (was) => withFrozen(was, true)),
  ],
  [
    "a slab of a CPU that is not frozen",
    "list-corruption",
    (x) => x.counters(x.kept, (was) => withFrozen(was, false)),
  ],
  [
    "a partial list of a CPU that leads to no slab",
    "use-after-free",
    (x) => x.change(x.kept + Page.next, () => 0x4000),
  ],
  [
    "a partial list of a CPU that runs in circles",
    "list-corruption",
    (x) => x.change(x.kept + Page.next, () => x.kept),
  ],
  [
    "a partial list of a CPU that is miscounted",
    "counter-drift",
    (x) => x.change(x.kept + Page.pages, more),
  ],
  [
    "a slab with free objects on no list",
    "lost-object",
    (x) => {
      listDel(x.memory, x.listed + Page.lru);
      x.change(x.n + KmemCacheNode.nrPartial, less);
    },
  ],
  [
    "a full slab on the partial list",
    "list-corruption",
    (x) => {
      listAdd(x.memory, x.full + Page.lru, x.n + KmemCacheNode.partial);
      x.change(x.n + KmemCacheNode.nrPartial, more);
    },
  ],
  [
    "a slab on the full list of a cache that has none",
    "list-corruption",
    (x) => listAdd(x.memory, x.full + Page.lru, x.n + KmemCacheNode.full),
  ],
  [
    "a node's list that is torn",
    "list-corruption",
    (x) => x.change(x.listed + Page.lru + 4, () => x.full),
  ],
  [
    "a node's list that runs in circles",
    "list-corruption",
    (x) => x.change(x.listed + Page.lru, () => x.listed + Page.lru),
  ],
  [
    "a node's list that leads to no slab",
    "use-after-free",
    (x) => x.change(x.listed + Page.lru, () => 0x4000),
  ],
  [
    "a slab on the list of another node",
    "wrong-slab",
    (x) => x.change(x.listed + Page.flags, (was) => was | (1 << PG_NODE_SHIFT)),
  ],
  [
    "nr_partial that differs from the list",
    "counter-drift",
    (x) => x.change(x.n + KmemCacheNode.nrPartial, more),
  ],
  [
    "nr_slabs that differs from the slabs",
    "counter-drift",
    (x) => x.change(x.n + KmemCacheNode.nrSlabs, more),
  ],
  [
    "total_objects that differs from the slabs",
    "counter-drift",
    (x) => x.change(x.n + KmemCacheNode.totalObjects, less),
  ],
  [
    "more slabs than were ever made",
    "counter-drift",
    (x) => x.change(x.c + KmemCacheCpu.stat + (ALLOC_SLAB << 2), () => 0),
  ],
  ["a list_lock that is held", "deadlock", (x) => x.change(x.n + KmemCacheNode.listLock, () => 1)],
  ["inuse that differs from the freelist", "counter-drift", (x) => x.counters(x.listed, more)],
  ["a slab without objects", "counter-drift", (x) => x.counters(x.full, () => 0)],
  [
    "a freelist that leads nowhere",
    "list-corruption",
    (x) => x.change(x.listed + Page.freelist, more),
  ],
  [
    "a freelist that leads into another slab",
    "wrong-slab",
    (x) => x.change(x.listed + Page.freelist, () => x.objects[1] as number),
  ],
  [
    "a freelist that runs in circles",
    "list-corruption",
    (x) => {
      const head = x.memory.read32(x.listed + Page.freelist);
      x.memory.write32(head, head);
    },
  ],
  [
    "an object that is held and free",
    "double-allocation",
    (x) => {
      const object = x.objects[0] as number;
      x.change(object, () => x.memory.read32(x.listed + Page.freelist));
      x.change(x.listed + Page.freelist, () => object);
      x.counters(x.listed, (was) => withInuse(was, inuseOf(was) - 1));
    },
  ],
  [
    "an object that is nobody's",
    "lost-object",
    (x) => {
      x.change(x.listed + Page.freelist, (head) => x.memory.read32(head));
      x.counters(x.listed, (was) => withInuse(was, inuseOf(was) + 1));
    },
  ],
  [
    "an object on a CPU's list and its slab's",
    "double-free",
    (x) => {
      const object = x.memory.read32(x.c + KmemCacheCpu.freelist);
      x.change(x.own + Page.freelist, () => object);
      x.counters(x.own, (was) => withInuse(was, inuseOf(was) - 2));
    },
  ],
  [
    "an object held without a slab",
    "use-after-free",
    (x) => {
      const page = x.pages.allocPages(GFP_KERNEL, 0, -1);
      x.pages.freePages(page, 0);
      x.system.ledger.take(x.pages.pageAddress(page));
    },
  ],
  ["a slab whose cache is none", "wrong-slab", (x) => x.change(x.full + Page.slabCache, more)],
  ["pages that are nobody's", "leaked-page", (x) => x.pages.allocPages(GFP_KERNEL, 1, -1)],
  [
    "a page that is neither free nor allocated",
    "leaked-page",
    (x) => x.change(x.full + Page.flags, (was) => was & ~PG_ALLOCATED),
  ],
  [
    "slab pages that a node miscounts",
    "counter-drift",
    (x) => x.pages.modNodePageState(x.full, NR_SLAB_UNRECLAIMABLE, 1),
  ],
];

describe("the audit", () => {
  test("finds nothing wrong with a cache in which every place is taken", () => {
    const settled = new Settled();
    const { memory, c, n, own, kept } = settled;
    expect(settled.system.findings()).toEqual([]);
    expect(memory.read32(c + KmemCacheCpu.page)).toBe(own);
    expect(memory.read32(c + KmemCacheCpu.partial)).toBe(kept);
    expect(memory.read32(n + KmemCacheNode.nrPartial)).toBe(1);
  });

  test.each(rules)("finds %s (%s)", (_what, failure, breakIt) => {
    const settled = new Settled();
    settled.system.kernel.run(() => breakIt(settled), 0);
    const findings = settled.system.findings();
    expect(findings.map((finding) => finding.failure)).toContain(failure);
    for (const { message } of findings) expect(message).toMatch(/\S/);
  });

  test("says of a lost object which it is, of which slab and cache, and who had it last", () => {
    const settled = new Settled();
    const lost = settled.memory.read32(settled.listed + Page.freelist);
    settled.change(settled.listed + Page.freelist, (head) => settled.memory.read32(head));
    settled.counters(settled.listed, (was) => withInuse(was, inuseOf(was) + 1));
    expect(settled.system.findings()).toEqual([
      {
        failure: "lost-object",
        objects: [lost],
        message: expect.stringMatching(
          new RegExp(
            `^four: slab 0x${settled.listed.toString(16)}: 1 objects neither held nor on a freelist: 0x${lost.toString(16)} \\(task 0 on CPU 0 \\(its event \\d+\\) has given it back\\)$`,
          ),
        ),
      },
    ]);
  });

  test("knows large objects that callers hold, and no others where it is told of them", () => {
    const { kernel } = watched();
    const large = kernel.kmalloc(64 * 1024);
    expect(audit(kernel)).toEqual([]);
    expect(audit(kernel, { large: [large] })).toEqual([]);
    expect(audit(kernel, { large: [] }).map(({ failure }) => failure)).toEqual(["leaked-page"]);
  });
});
