// SPDX-License-Identifier: GPL-2.0-only
/**
 * The remains of tasks that died in the middle of an operation, outside of all locks: an object
 * that has left its list and has no holder yet, a slab or a block of pages between two lists, a
 * count that is a step behind. The audit asks here before it calls such a thing lost. Each must fit
 * an operation that was under way (under-way.ts), and each operation accounts for no more than it
 * can have moved: one slab or block, and its objects; with sheaves also one sheaf, its objects, and
 * the slabs that they come from or go to.
 */
import type { AuditRemains, Step } from "../caches/audit-findings.ts";
import type { KmemCachePtr } from "../caches/kmem-cache.ts";
import type { System } from "../kernel/system.ts";
import { hex } from "../machine/hex.ts";
import { PAGE_SIZE } from "../machine/machine.ts";
import type { Address } from "../machine/memory.ts";
import type { PagePtr } from "../pages/page.ts";
import type { Ledger } from "./ledger.ts";
import {
  ALLOCATING,
  EMPTYING,
  FREEING,
  GIVING_PAGES,
  TAKING_PAGES,
  type Undertaking,
  UnderWay,
} from "./under-way.ts";

/** One thing that a dead task had in its hands. */
export interface Remain {
  readonly task: number;
  readonly message: string;
  /** Addresses of objects or descriptors of pages. */
  readonly objects: readonly Address[];
}

/** An operation that was cut, and how much may still be attributed to it. */
interface Cut extends Undertaking, Allowance {
  readonly task: number;
}

interface Allowance {
  objectsLeft: number;
  blocksLeft: number;
  sheavesLeft: number;
}

export class Remains implements AuditRemains {
  readonly list: Remain[] = [];
  private readonly system: System;
  private readonly ledger: Ledger;
  private readonly cuts: readonly Cut[];
  /** Blocks in the hands of the dead. */
  private readonly blocks = new Map<PagePtr, { task: number; order: number }>();

  /** For one audit. `dead`: numbers of the machine's tasks that are buried. */
  constructor(system: System, ledger: Ledger, dead: readonly number[]) {
    this.system = system;
    this.ledger = ledger;
    const underWay = new UnderWay(system.machine);
    this.cuts = dead.flatMap((task) =>
      underWay.of(task).map((undertaking) => ({
        ...undertaking,
        task,
        ...this.mostMovedBy(undertaking),
      })),
    );
  }

  private mostMovedBy(undertaking: Undertaking): Allowance {
    const s = cacheOf(undertaking);
    const beside = s === 0 ? 0 : (this.system.observer.objectsMoved?.(s) ?? 0);
    const asked = hasExtent(undertaking) ? undertaking.extent : 0;
    if (beside === 0) return { objectsLeft: asked, blocksLeft: 1, sheavesLeft: 0 };
    // Each of the objects may come from another slab.
    return { objectsLeft: asked + beside, blocksLeft: asked + beside, sheavesLeft: 1 };
  }

  private note(task: number, message: string, objects: readonly Address[]): void {
    this.list.push({ task, message, objects });
  }

  /** Takes out of `lost`, objects of a cache, those that the dead had in their hands. */
  unclaimedObjects(s: KmemCachePtr, lost: readonly Address[]): Address[] {
    return lost.filter((object) => {
      const own = this.cuts.find(
        ({ kind, task, subject }) =>
          kind === FREEING && this.ledger.wasGivenSince(object, task, subject),
      );
      const cut = own ?? this.cuts.find((each) => cacheOf(each) === s && each.objectsLeft > 0);
      if (cut === undefined) return true;
      if (own === undefined) cut.objectsLeft--;
      const way = cut.kind === ALLOCATING ? "out" : "back";
      this.note(cut.task, `object ${hex(object)} of ${this.nameOf(s)}, on its way ${way}`, [
        object,
      ]);
      return false;
    });
  }

  /** Whether sheaves of a cache that are in no place were in the hands of the dead. */
  claimSheaves(s: KmemCachePtr, count: number, what: string): boolean {
    const cuts = this.cuts.filter((each) => cacheOf(each) === s && each.sheavesLeft > 0);
    const [first] = cuts;
    if (first === undefined || count < 0 || count > cuts.length) return false;
    for (const cut of cuts.slice(0, count)) cut.sheavesLeft--;
    this.note(first.task, what, []);
    return true;
  }

  /** Whether a block of pages that is in no proper place was in the hands of the dead. */
  claimBlock(page: PagePtr, order: number, what: string): boolean {
    const cut = this.cuts.find((each) => each.blocksLeft > 0 && this.canHold(each, page, order));
    if (cut === undefined) return false;
    cut.blocksLeft--;
    this.blocks.set(page, { task: cut.task, order });
    this.note(cut.task, what, [page]);
    return true;
  }

  /** The order of the block that begins at `page` and was just given to the page allocator, or -1. */
  orderOfBlockGiven(page: PagePtr): number {
    const cut = this.cuts.find(({ kind, subject }) => kind === GIVING_PAGES && subject === page);
    if (cut === undefined) return -1;
    const { pages } = this.system;
    this.claimBlock(
      page,
      cut.extent,
      `${1 << cut.extent} pages at ${pages.array.number(page)}, on their way to the free lists`,
    );
    return cut.extent;
  }

  private canHold(cut: Cut, page: PagePtr, order: number): boolean {
    switch (cut.kind) {
      case GIVING_PAGES:
        return cut.subject === page && cut.extent === order;
      case TAKING_PAGES:
        return cut.extent === order;
      case ALLOCATING:
      case EMPTYING:
        return this.isOrderOf(cut.subject, order);
      default:
        return (
          (cut.objectsLeft > 0 && this.isOrderOf(cut.extent, order)) ||
          this.hasGivenFrom(cut, page, order)
        );
    }
  }

  private isOrderOf(s: KmemCachePtr, order: number): boolean {
    return this.system.observer.slabOrders(s).includes(order);
  }

  /** Whether an object in the block was given back by the operation. */
  private hasGivenFrom(cut: Cut, page: PagePtr, order: number): boolean {
    const from = this.system.pages.pageAddress(page);
    const to = from + (PAGE_SIZE << order);
    return !this.ledger.givenSince(from, to, cut.task, cut.subject).next().done;
  }

  /**
   * Whether a count is off by `difference` because operations were cut between two steps: `steps` says
   * by how much a block on its way may move it.
   */
  explains(what: string, difference: number, steps: readonly Step[]): boolean {
    const owners = steps.map(({ page }) => this.blocks.get(page)?.task);
    const [task] = owners;
    const sizes = steps.map(({ size }) => size);
    if (task === undefined || !isSumOfSome(difference, sizes)) return false;
    this.note(task, what, []);
    return true;
  }

  /** Blocks of a node in the hands of the dead, which may or may not be counted as slab pages. */
  slabPageSteps(node: number): Step[] {
    const { pages } = this.system;
    return [...this.blocks]
      .filter(([page]) => pages.pageToNid(page) === node)
      .flatMap(([page, { order }]) => [
        { page, size: 1 << order },
        { page, size: -(1 << order) },
      ]);
  }

  has(page: PagePtr): boolean {
    return this.blocks.has(page);
  }

  /** Whether anything in [from, to) was in the hands of the dead, or its slab was. */
  touches(from: Address, to: Address): boolean {
    const page = this.system.pages.virtToPage(from);
    return this.list.some(({ objects }) =>
      objects.some((object) => object === page || (object >= from && object < to)),
    );
  }

  private nameOf(s: KmemCachePtr): string {
    return this.system.common.nameOf(s);
  }
}

/** The cache that an operation is about; 0: of any, or of none. */
function cacheOf(undertaking: Undertaking): KmemCachePtr {
  if (hasExtent(undertaking)) return undertaking.subject;
  return undertaking.kind === FREEING ? undertaking.extent : 0;
}

/** Whether it is about a cache, and says how many objects of it. */
function hasExtent({ kind }: Undertaking): boolean {
  return kind === ALLOCATING || kind === EMPTYING;
}

/** Whether some of the numbers, each at most once, add up to `sum`. */
function isSumOfSome(sum: number, [first, ...others]: readonly number[]): boolean {
  if (sum === 0) return true;
  if (first === undefined) return false;
  return isSumOfSome(sum - first, others) || isSumOfSome(sum, others);
}
