import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { KernelBug } from "../../src/machine/kernel-bug.ts";
import { PAGE_SIZE } from "../../src/machine/machine.ts";
import { NUMA_NO_NODE } from "../../src/machine/topology.ts";
import { TorturedMemory } from "../../src/machine/tortured-memory.ts";
import {
  __GFP_COMP,
  __GFP_DMA,
  __GFP_NOFAIL,
  __GFP_NORETRY,
  __GFP_RECLAIMABLE,
  __GFP_THISNODE,
  __GFP_ZERO,
  GFP_ATOMIC,
  GFP_KERNEL,
  GFP_NOWAIT,
} from "../../src/pages/gfp.ts";
import { Page, type PagePtr, PG_HEAD, PG_SLAB } from "../../src/pages/page.ts";
import { NR_SLAB_RECLAIMABLE, NR_SLAB_UNRECLAIMABLE } from "../../src/pages/pages.ts";
import type { Zone } from "../../src/pages/zone.ts";
import { type Booted, bootPages, freeBlocks, MIB } from "./machine.ts";

function takeAll({ pages }: Booted, gfp: number, order = 0, node = NUMA_NO_NODE): PagePtr[] {
  const taken: PagePtr[] = [];
  for (;;) {
    const page = pages.allocPages(gfp, order, node);
    if (page === 0) return taken;
    taken.push(page);
  }
}

function failureOf(act: () => void): string {
  try {
    act();
  } catch (error) {
    if (error instanceof KernelBug) return error.failure;
    throw error;
  }
  return "none";
}

describe("after boot", () => {
  test("all pages but the machine's own and their descriptors are free", () => {
    const { machine, pages } = bootPages();
    const descriptors = machine.layout.free + (machine.layout.end / PAGE_SIZE) * 64;
    expect(pages.totalPages()).toBe(
      machine.layout.end / PAGE_SIZE - Math.ceil(descriptors / PAGE_SIZE),
    );
    expect(pages.freePagesTotal()).toBe(pages.totalPages());
    expect(pages.checkBuddy()).toEqual([]);
  });

  test("the pages are dealt out to the nodes in equal ranges", () => {
    const { pages } = bootPages({ cpus: 3, nodes: 3, memory: 16 * MIB });
    const free = [0, 1, 2].map((node) => pages.nrFree(node));
    expect(free.reduce((a, b) => a + b)).toBe(pages.totalPages());
    expect(Math.max(...free) - Math.min(...free)).toBeLessThanOrEqual(1);
  });

  test("the lowest page of a zone is handed out first", () => {
    const { pages } = bootPages();
    const zone = pages.zones[1];
    const first = pages.allocPages(GFP_KERNEL, 0, 0);
    const second = pages.allocPages(GFP_KERNEL, 0, 0);
    expect(pages.array.number(first)).toBe(zone?.start);
    expect(second).toBe(first + 64);
  });

  test("an address, its page and its descriptor lead to each other", () => {
    const { pages } = bootPages({ cpus: 2, nodes: 2 });
    const page = pages.allocPages(GFP_KERNEL, 0, 1);
    const address = pages.pageAddress(page);
    expect(pages.virtToPage(address + 4095)).toBe(page);
    expect(pages.virtToHeadPage(address + 4095)).toBe(page);
    expect(pages.pageToNid(page)).toBe(1);
    expect(pages.virtAddrValid(address)).toBe(true);
    expect([0, 4096, 8 * MIB].map((at) => pages.virtAddrValid(at))).toEqual([false, false, false]);
  });
});

describe("an allocation", () => {
  test("comes from the node of the CPU that asks", () => {
    const { pages, moveTo } = bootPages({ cpus: 2, nodes: 2 });
    expect(pages.pageToNid(pages.allocPages(GFP_KERNEL, 0, NUMA_NO_NODE))).toBe(0);
    moveTo(1);
    expect(pages.pageToNid(pages.allocPages(GFP_KERNEL, 0, NUMA_NO_NODE))).toBe(1);
  });

  test("falls back by distance, and with THISNODE not at all", () => {
    const booted = bootPages({ cpus: 3, nodes: 3, memory: 16 * MIB });
    const { pages } = booted;
    takeAll(booted, GFP_ATOMIC | __GFP_THISNODE, 0, 1);
    expect(pages.nrFree(1)).toBe(0);
    expect(pages.allocPages(GFP_KERNEL | __GFP_THISNODE, 0, 1)).toBe(0);
    expect(pages.pageToNid(pages.allocPages(GFP_KERNEL, 0, 1))).toBe(2);
    takeAll(booted, GFP_ATOMIC | __GFP_THISNODE, 0, 2);
    expect(pages.pageToNid(pages.allocPages(GFP_KERNEL, 0, 1))).toBe(0);
  });

  test("finds nothing in an isolated zone, not even what a CPU's list still holds", () => {
    const { pages } = bootPages({ cpus: 2, nodes: 2 });
    const zone = pages.zones[2] as Zone;
    const gfp = GFP_ATOMIC | __GFP_THISNODE;
    const page = pages.allocPages(gfp, 0, 1);
    expect(pages.pcp.count(zone, 0)).toBeGreaterThan(0);
    pages.isolate(1);
    expect(pages.allocPages(gfp, 0, 1)).toBe(0);
    // Drained pages stay merged: a page that comes back joins them at once.
    pages.drainAllPages();
    pages.freePages(page, 0);
    expect(pages.isUnused(1)).toBe(true);
    expect(pages.checkBuddy()).toEqual([]);
    pages.undoIsolate(1);
    expect(pages.allocPages(gfp, 0, 1)).toBe(page);
  });

  test("for DMA comes from the lowest part of node 0 only, which others take last", () => {
    const booted = bootPages({ cpus: 2, nodes: 2, memory: 16 * MIB });
    const { pages } = booted;
    const dma = pages.zones[0];
    const numbers = takeAll(booted, GFP_ATOMIC | __GFP_DMA, 0, 1).map((p) => pages.array.number(p));
    expect(numbers.length).toBe((dma?.end ?? 0) - (dma?.start ?? 0));
    expect(Math.max(...numbers)).toBeLessThan(dma?.end ?? 0);
    const other = bootPages({ cpus: 2, nodes: 2, memory: 16 * MIB });
    const order = takeAll(other, GFP_ATOMIC | __GFP_THISNODE, 0, 0);
    expect(other.pages.array.number(order.at(-1) ?? 0)).toBeLessThan(dma?.end ?? 0);
  });

  test("finds nothing when memory is gone: NULL, never an error", () => {
    const booted = bootPages();
    takeAll(booted, GFP_ATOMIC);
    expect(booted.pages.freePagesTotal()).toBe(0);
    expect(booted.pages.allocPages(GFP_KERNEL, 0, 0)).toBe(0);
    expect(booted.pages.allocPages(GFP_KERNEL | __GFP_NOFAIL, 3, 0)).toBe(0);
    expect(booted.pages.checkBuddy()).toEqual([]);
  });

  test("of an order beyond the largest is refused", () => {
    const { pages } = bootPages({ memory: 32 * MIB });
    expect(pages.allocPages(GFP_KERNEL, 10, 0)).not.toBe(0);
    expect(pages.allocPages(GFP_KERNEL, 11, 0)).toBe(0);
  });

  test("that cannot wait may use a reserve that others may not", () => {
    const booted = bootPages();
    takeAll(booted, GFP_KERNEL);
    const reserve = booted.pages.freePagesTotal();
    expect(reserve).toBe(booted.pages.zones.reduce((sum, zone) => sum + zone.reserve, 0));
    expect(takeAll(booted, GFP_ATOMIC).length).toBe(reserve);
  });

  test("that may not fail may use the reserve as well", () => {
    const booted = bootPages();
    takeAll(booted, GFP_KERNEL);
    expect(booted.pages.allocPages(GFP_KERNEL | __GFP_NOFAIL, 0, 0)).not.toBe(0);
  });

  test("calls in the pages other CPUs keep before it fails, unless it may not wait or retry", () => {
    const booted = bootPages({ cpus: 2 });
    const { pages, moveTo } = booted;
    const all = takeAll(booted, GFP_ATOMIC);
    for (const page of all.slice(0, 8)) pages.freePages(page, 0);
    moveTo(1);
    expect(pages.freePagesTotal()).toBe(8);
    expect(pages.allocPages(GFP_ATOMIC, 0, 0)).toBe(0);
    expect(pages.allocPages(GFP_KERNEL | __GFP_NOFAIL | __GFP_NORETRY, 0, 0)).toBe(0);
    expect(pages.allocPages(GFP_KERNEL | __GFP_NOFAIL, 0, 0)).not.toBe(0);
    expect(pages.checkBuddy()).toEqual([]);
  });

  test("with ZERO is all zero, whatever it held before", () => {
    const { pages, machine } = bootPages();
    const dirty = pages.allocPages(GFP_KERNEL, 2, 0);
    machine.memory.fill(pages.pageAddress(dirty), 0xff, 4 * PAGE_SIZE);
    pages.freePages(dirty, 2);
    const clean = pages.allocPages(GFP_KERNEL | __GFP_ZERO, 2, 0);
    expect(clean).toBe(dirty);
    expect(machine.memory.findOther(pages.pageAddress(clean), 0, 4 * PAGE_SIZE)).toBe(0);
  });

  test("with COMP is one block: every address in it leads to its head", () => {
    const { pages, machine } = bootPages();
    const page = pages.allocPages(GFP_KERNEL | __GFP_COMP, 3, 0);
    const at = pages.pageAddress(page);
    const heads = (): PagePtr[] =>
      Array.from({ length: 8 }, (_, i) => pages.virtToHeadPage(at + i * PAGE_SIZE + 123));
    expect(heads()).toEqual(Array(8).fill(page));
    expect(pages.compoundOrder(page)).toBe(3);
    expect(machine.memory.read32(page + Page.flags) & PG_HEAD).not.toBe(0);
    pages.freePages(page, 3);
    expect(heads()).toEqual(Array.from({ length: 8 }, (_, i) => page + i * 64));
    expect(machine.memory.read32(page + Page.flags) & PG_HEAD).toBe(0);
  });

  test("without COMP leaves each page its own head", () => {
    const { pages } = bootPages();
    const page = pages.allocPages(GFP_KERNEL, 2, 0);
    expect(pages.virtToHeadPage(pages.pageAddress(page) + 2 * PAGE_SIZE)).toBe(page + 2 * 64);
  });

  test("of the reclaimable kind takes a pageblock of its own, and the last page of the other kind's", () => {
    const booted = bootPages({ memory: 32 * MIB });
    const { pages } = booted;
    const pageblock = (page: PagePtr): number => pages.array.number(page) >> 10;
    const fixed = pages.allocPages(GFP_KERNEL, 1, 0);
    const reclaimable = pages.allocPages(GFP_KERNEL | __GFP_RECLAIMABLE, 1, 0);
    expect(pageblock(reclaimable)).not.toBe(pageblock(fixed));
    pages.freePages(fixed, 1);
    takeAll(booted, GFP_ATOMIC | __GFP_RECLAIMABLE);
    expect(pages.freePagesTotal()).toBe(0);
    expect(pages.checkBuddy()).toEqual([]);
  });
});

describe("freeing", () => {
  test.each([0, 1, 10])("a block of order %i twice is a double-free", (order) => {
    const { pages } = bootPages({ memory: 32 * MIB });
    const page = pages.allocPages(GFP_KERNEL, order, 0);
    pages.freePages(page, order);
    expect(failureOf(() => pages.freePages(page, order))).toBe("double-free");
    expect(pages.checkBuddy()).toEqual([]);
  });

  test.each([1, 2, 3, 4])(
    "a page that is freed by an interrupt at access %i of its freeing is a double-free",
    (access) => {
      const { pages, memory } = bootPages<TorturedMemory>({}, TorturedMemory);
      const page = pages.allocPages(GFP_KERNEL, 0, 0);
      let countdown = access;
      let failures = 0;
      memory.onInterrupt = () => {
        if (--countdown === 0 && failureOf(() => pages.freePages(page, 0)) !== "none") failures++;
      };
      memory.torture({ interrupts: 1, migrations: 0, delays: 0 }, 1);
      if (failureOf(() => pages.freePages(page, 0)) === "double-free") failures++;
      memory.disable();
      expect(failures).toBe(1);
      expect(pages.freePagesTotal()).toBe(pages.totalPages());
      expect(pages.checkBuddy()).toEqual([]);
    },
  );

  test("the middle of a block, or what the machine occupies, is refused", () => {
    const { pages } = bootPages();
    const page = pages.allocPages(GFP_KERNEL | __GFP_COMP, 2, 0);
    expect(failureOf(() => pages.freePages(page + 64, 0))).toBe("double-free");
    expect(failureOf(() => pages.freePages(pages.array.numbered(1), 0))).toBe("double-free");
    expect(pages.checkBuddy()).toEqual([]);
  });

  test("with another order than it was asked for is refused", () => {
    const { pages } = bootPages();
    const page = pages.allocPages(GFP_KERNEL, 2, 0);
    expect(failureOf(() => pages.freePages(page, 1))).toBe("bad-access");
    pages.freePages(page, 2);
    expect(pages.checkBuddy()).toEqual([]);
  });

  test("a page that is still a slab is refused", () => {
    const { pages, machine } = bootPages();
    const page = pages.allocPages(GFP_KERNEL, 0, 0);
    const { memory } = machine;
    memory.write32(page + Page.flags, memory.read32(page + Page.flags) | PG_SLAB);
    expect(failureOf(() => pages.freePages(page, 0))).toBe("bad-access");
  });

  test("a page whose map count a slab has left behind is refused until page_mapcount_reset", () => {
    const { pages, machine } = bootPages();
    const page = pages.allocPages(GFP_KERNEL, 0, 0);
    machine.memory.write32(page + Page.counters, 1 << 16);
    expect(failureOf(() => pages.freePages(page, 0))).toBe("bad-access");
    pages.mapcountReset(page);
    pages.freePages(page, 0);
    expect(pages.checkBuddy()).toEqual([]);
  });

  test("everything, in any order, merges to the first state", () => {
    const booted = bootPages({ cpus: 2, nodes: 2, memory: 16 * MIB });
    const before = freeBlocks(booted);
    const pages = takeAll(booted, GFP_ATOMIC);
    expect(freeBlocks(booted)).toEqual([]);
    // A stride that is prime to their number visits each once.
    for (let i = 0; i < pages.length; i++) {
      booted.pages.freePages(pages[(i * 997) % pages.length] as PagePtr, 0);
    }
    booted.pages.drainAllPages();
    expect(freeBlocks(booted)).toEqual(before);
    expect(booted.pages.checkBuddy()).toEqual([]);
  });
});

test("blocks are aligned, never overlap, and all come back, in any order of allocations and frees", () => {
  const step = fc.record({
    alloc: fc.boolean(),
    order: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 10 })),
    gfp: fc.constantFrom(
      GFP_KERNEL,
      GFP_ATOMIC,
      GFP_NOWAIT,
      GFP_KERNEL | __GFP_COMP,
      GFP_KERNEL | __GFP_RECLAIMABLE,
      GFP_KERNEL | __GFP_THISNODE,
      GFP_KERNEL | __GFP_DMA,
    ),
    node: fc.constantFrom(NUMA_NO_NODE, 0, 1),
    cpu: fc.integer({ min: 0, max: 1 }),
    which: fc.nat(),
  });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 300 }), (steps) => {
      const booted = bootPages({ cpus: 2, nodes: 2, memory: 8 * MIB });
      const { pages, moveTo } = booted;
      const before = freeBlocks(booted);
      const total = pages.totalPages();
      const held: { page: PagePtr; order: number }[] = [];
      const owned = new Set<number>();
      for (const { alloc, order, gfp, node, cpu, which } of steps) {
        moveTo(cpu);
        if (alloc) {
          const page = pages.allocPages(gfp, order, node);
          if (page === 0) continue;
          const pfn = pages.array.number(page);
          expect(pfn % (1 << order)).toBe(0);
          if ((gfp & __GFP_THISNODE) !== 0) {
            expect(pages.pageToNid(page)).toBe(node < 0 ? cpu : node);
          }
          for (let i = 0; i < 1 << order; i++) {
            expect(owned.has(pfn + i)).toBe(false);
            owned.add(pfn + i);
          }
          held.push({ page, order });
        } else if (held.length > 0) {
          const [{ page, order }] = held.splice(which % held.length, 1) as [(typeof held)[0]];
          pages.freePages(page, order);
          for (let i = 0; i < 1 << order; i++) owned.delete(pages.array.number(page) + i);
        }
        expect(pages.freePagesTotal()).toBe(total - owned.size);
      }
      expect(pages.checkBuddy()).toEqual([]);
      for (const { page, order } of held) pages.freePages(page, order);
      pages.drainAllPages();
      expect(freeBlocks(booted)).toEqual(before);
      expect(pages.checkBuddy()).toEqual([]);
    }),
    { numRuns: 40 },
  );
});

test("slab pages are counted by node and item", () => {
  const { pages } = bootPages({ cpus: 2, nodes: 2 });
  const near = pages.allocPages(GFP_KERNEL, 1, 0);
  const far = pages.allocPages(GFP_KERNEL, 0, 1);
  pages.modNodePageState(near, NR_SLAB_UNRECLAIMABLE, 2);
  pages.modNodePageState(far, NR_SLAB_RECLAIMABLE, 1);
  pages.modNodePageState(near, NR_SLAB_UNRECLAIMABLE, -2);
  pages.modNodePageState(near, NR_SLAB_RECLAIMABLE, 3);
  expect([0, 1].map((node) => pages.nodePageState(node, NR_SLAB_RECLAIMABLE))).toEqual([3, 1]);
  expect([0, 1].map((node) => pages.nodePageState(node, NR_SLAB_UNRECLAIMABLE))).toEqual([0, 0]);
});

test("a batch of single pages takes the zone's lock once", () => {
  const { pages } = bootPages();
  const acquired = (): number =>
    pages.lockStatistics().reduce((sum, zone) => sum + zone.acquired, 0);
  pages.allocPages(GFP_KERNEL, 0, 0);
  const once = acquired();
  for (let i = 1; i < 7; i++) pages.allocPages(GFP_KERNEL, 0, 0);
  expect(once).toBe(1);
  expect(acquired()).toBe(1);
});
