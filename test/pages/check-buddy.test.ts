import { describe, expect, test } from "vitest";
import { listAdd, listDel } from "../../src/machine/list.ts";
import { GFP_KERNEL } from "../../src/pages/gfp.ts";
import { Page, type PagePtr, PG_ALLOCATED, PG_BUDDY, PG_PCP } from "../../src/pages/page.ts";
import { type Zone, ZoneState } from "../../src/pages/zone.ts";
import { bootPages } from "./machine.ts";

/** A booted allocator with one block of order 2 and two single pages in use, and ways to break it. */
function inUse() {
  const booted = bootPages({ cpus: 2 });
  const { pages, machine } = booted;
  const { memory } = machine;
  const block = pages.allocPages(GFP_KERNEL, 2, 0);
  const single = pages.allocPages(GFP_KERNEL, 0, 0);
  const freed = pages.allocPages(GFP_KERNEL, 0, 0);
  pages.freePages(freed, 0);
  expect(pages.checkBuddy()).toEqual([]);
  const zone = pages.zones[1] as Zone;
  const flags = (page: PagePtr, clear: number, set: number): void =>
    memory.write32(page + Page.flags, (memory.read32(page + Page.flags) & ~clear) | set);
  /** First page of a free block on a buddy list. */
  const free = (() => {
    for (let pfn = zone.start; ; pfn++) {
      const page = pages.array.numbered(pfn);
      if ((memory.read32(page + Page.flags) & PG_BUDDY) !== 0) return page;
    }
  })();
  const order = memory.read32(free + Page.order);
  return { ...booted, memory, zone, block, single, freed, free, order, flags };
}

describe("checkBuddy finds", () => {
  test("a page that is neither free nor allocated", () => {
    const { pages, single, flags } = inUse();
    flags(single, PG_ALLOCATED, 0);
    expect(pages.checkBuddy().join()).toContain("is neither allocated nor free");
  });

  test("a free block that is on no list, and the count that no longer agrees", () => {
    const { pages, memory, free } = inUse();
    listDel(memory, free + Page.lru);
    expect(pages.checkBuddy().join()).toMatch(/is free and on no list.*nrFree says/);
  });

  test("a free block on the list of another order", () => {
    const { pages, memory, zone, free, order } = inUse();
    listDel(memory, free + Page.lru);
    listAdd(memory, free + Page.lru, pages.buddy.listOf(zone, order + 1, 0));
    expect(pages.checkBuddy().join()).toContain(`lies on the list of order ${order + 1}`);
  });

  test("an allocated block that is on a free list", () => {
    const { pages, memory, zone, block } = inUse();
    listAdd(memory, block + Page.lru, pages.buddy.listOf(zone, 2, 0));
    expect(pages.checkBuddy().join()).toContain("no free block or listed twice");
  });

  test("a block inside a block", () => {
    const { pages, block, flags } = inUse();
    flags(block + 2 * 64, 0, PG_ALLOCATED);
    expect(pages.checkBuddy().join()).toContain("inside the block of order 2");
  });

  test("a free page that still has the head of the block that it was in", () => {
    const { pages, memory, block, freed } = inUse();
    memory.write32(freed + Page.head, block);
    expect(pages.checkBuddy().join()).toMatch(
      /free page \d+ still says that it is in another block/,
    );
  });

  test("an order beyond the largest", () => {
    const { pages, memory, single } = inUse();
    memory.write32(single + Page.order, 11);
    expect(pages.checkBuddy().join()).toContain("has order 11, which does not fit");
  });

  test("two buddies that were not merged", () => {
    const { pages, zone } = inUse();
    const buddyIsFree = (page: PagePtr): boolean =>
      pages.buddy.isFreeBlock(zone, pages.array.number(page) ^ 4, 2);
    let block = pages.allocPages(GFP_KERNEL, 2, 0);
    while (!buddyIsFree(block)) block = pages.allocPages(GFP_KERNEL, 2, 0);
    pages.buddy.isFreeBlock = () => false;
    pages.freePages(block, 2);
    Reflect.deleteProperty(pages.buddy, "isFreeBlock");
    expect(pages.checkBuddy().join()).toContain("are both free and were not merged");
  });

  test("a wrong count of free pages", () => {
    const { pages, memory, zone } = inUse();
    memory.add(zone.at + ZoneState.nrFree, 1);
    expect(pages.checkBuddy().join()).toMatch(/nrFree says \d+, the lists hold \d+ pages/);
  });

  test("a per-CPU page that fell off its list, and the CPU's count that no longer agrees", () => {
    const { pages, memory, freed } = inUse();
    memory.write32(freed + Page.next, 0);
    expect(pages.checkBuddy().join()).toMatch(/CPU 0 counts \d+ pages.*on no CPU's list/);
  });

  test("a per-CPU list that goes round in a circle or holds a page in use", () => {
    const circle = inUse();
    circle.memory.write32(circle.freed + Page.next, circle.freed);
    expect(circle.pages.checkBuddy().join()).toContain("CPU 0 holds");
    const used = inUse();
    used.flags(used.freed, PG_PCP, PG_ALLOCATED);
    expect(used.pages.checkBuddy().join()).toContain("CPU 0 holds");
  });
});

test("a free list that was overwritten is a list-corruption when it is next used", () => {
  const { pages, memory, free, order } = inUse();
  memory.write32(free + Page.lru, 0x1000);
  expect(() => pages.allocPages(GFP_KERNEL, order, 0)).toThrow(
    expect.objectContaining({ failure: "list-corruption" }),
  );
});
