// SPDX-License-Identifier: GPL-2.0-only
/**
 * The operations under way of each task, entered beside the allocator before each begins and
 * removed after it has ended. After a task's death nothing else tells what it was moving.
 *
 *     line of a task in the ledger:  | events | depth | kind, subject, extent | kind, subject, … |
 *
 * Operations nest: a free gives a slab back, which gives pages back. An entry is complete before it
 * counts. Only the task itself writes its line; operations nested too deep for it are left out.
 */

import type { SheafCalls } from "../caches/allocator.ts";
import type { AllocatorClass } from "../caches/allocator-class.ts";
import type { KmemCachePtr } from "../caches/kmem-cache.ts";
import { withSheafCalls } from "../caches/sheaf-calls.ts";
import type { SlabCommon } from "../caches/slab-common.ts";
import { type Change, inTurn, onAllocator, onCommon } from "../kernel/classes.ts";
import type { Machine } from "../machine/machine.ts";
import type { Address, Memory } from "../machine/memory.ts";
import type { PagePtr } from "../pages/page.ts";
import { lineOfTask, TASK_ROOM } from "./ledger.ts";

/** Subject: the cache; extent: how many objects. */
export const ALLOCATING = 1;
/** Subject: number of the first event in the ledger that belongs to it; extent: the cache, 0 for any. */
export const FREEING = 2;
/** Extent: the order. */
export const TAKING_PAGES = 3;
/** Subject: the descriptor of the first page; extent: the order. */
export const GIVING_PAGES = 4;

/** A sheaf of a caller's goes back. Subject: the cache; extent: how many objects are in it. */
export const EMPTYING = 5;

export interface Undertaking {
  readonly kind: number;
  readonly subject: number;
  readonly extent: number;
}

const DEPTH = 4;
const ENTRIES = 8;
const ENTRY_BYTES = 12;
const DEEPEST = Math.floor((TASK_ROOM - 4) / ENTRY_BYTES);

export class UnderWay {
  private readonly machine: Machine;
  private readonly memory: Memory;

  /** The machine has room for a ledger. */
  constructor(machine: Machine) {
    this.machine = machine;
    this.memory = machine.memory;
  }

  begin(kind: number, subject: number, extent: number): void {
    const { memory } = this;
    const line = lineOfTask(this.machine, memory.current());
    const depth = memory.readOnce(line + DEPTH);
    if (depth < DEEPEST) {
      const entry = line + ENTRIES + depth * ENTRY_BYTES;
      memory.writeOnce(entry, kind);
      memory.writeOnce(entry + 4, subject);
      memory.writeOnce(entry + 8, extent);
    }
    memory.writeOnce(line + DEPTH, depth + 1);
  }

  /** The ledger's events from here on belong to one free, of objects of a cache, or of any (0). */
  beginFree(s: KmemCachePtr): void {
    const { memory } = this;
    this.begin(FREEING, memory.readOnce(lineOfTask(this.machine, memory.current())), s);
  }

  end(): void {
    const depth = lineOfTask(this.machine, this.memory.current()) + DEPTH;
    this.memory.writeOnce(depth, this.memory.readOnce(depth) - 1);
  }

  /** A task's operations under way, the innermost first. */
  of(task: number): Undertaking[] {
    const { memory } = this;
    const line = lineOfTask(this.machine, task);
    const depth = Math.min(memory.readOnce(line + DEPTH), DEEPEST);
    return Array.from({ length: depth }, (_, i) => {
      const entry = line + ENTRIES + (depth - 1 - i) * ENTRY_BYTES;
      return {
        kind: memory.readOnce(entry),
        subject: memory.readOnce(entry + 4),
        extent: memory.readOnce(entry + 8),
      };
    });
  }
}

/** Tasks note what is under way; around the classes that feed the ledger. */
export const withUnderWay: Change = inTurn(
  onAllocator(noting),
  onCommon((classes) => ({
    Pages: class extends classes.Pages {
      private readonly underWay: UnderWay;

      constructor(machine: Machine) {
        super(machine);
        this.underWay = new UnderWay(machine);
      }

      override allocPages(gfp: number, order: number, node: number): PagePtr {
        this.underWay.begin(TAKING_PAGES, 0, order);
        const page = super.allocPages(gfp, order, node);
        this.underWay.end();
        return page;
      }

      override freePages(page: PagePtr, order: number): void {
        this.underWay.begin(GIVING_PAGES, page, order);
        super.freePages(page, order);
        this.underWay.end();
      }
    },
  })),
);

/** The calls that fill and empty sheaves of callers, and those that put single objects by. */
function notedSheaves(calls: SheafCalls, underWay: UnderWay): SheafCalls {
  const noted = <T>(act: () => T): T => {
    const result = act();
    underWay.end();
    return result;
  };
  return withSheafCalls(calls, {
    kfreeRcu(s, object) {
      underWay.beginFree(s);
      return noted(() => calls.kfreeRcu(s, object));
    },
    prefillSheaf(s, gfp, size) {
      underWay.begin(ALLOCATING, s, size);
      return noted(() => calls.prefillSheaf(s, gfp, size));
    },
    allocFromSheaf(s, gfp, sheaf) {
      underWay.begin(ALLOCATING, s, 1);
      return noted(() => calls.allocFromSheaf(s, gfp, sheaf));
    },
    refillSheaf(s, gfp, sheaf, size) {
      underWay.begin(ALLOCATING, s, size);
      return noted(() => calls.refillSheaf(s, gfp, sheaf, size));
    },
    returnSheaf(s, gfp, sheaf) {
      underWay.begin(EMPTYING, s, calls.sheafSize(s, sheaf));
      noted(() => calls.returnSheaf(s, gfp, sheaf));
    },
    allocNolock(s, gfp, node) {
      underWay.begin(ALLOCATING, s, 1);
      return noted(() => calls.allocNolock(s, gfp, node));
    },
    freeNolock(s, object) {
      underWay.beginFree(s);
      noted(() => calls.freeNolock(s, object));
    },
  });
}

function noting<C extends AllocatorClass>(Base: C): C {
  return class extends (Base as AllocatorClass) {
    private readonly underWay: UnderWay;

    // biome-ignore lint/suspicious/noExplicitAny: whatever the extended class takes
    constructor(common: SlabCommon, ...parts: any[]) {
      super(common, ...parts);
      const underWay = new UnderWay(common.machine);
      this.underWay = underWay;
      const own = this as { sheafCalls?: SheafCalls };
      if (own.sheafCalls !== undefined) own.sheafCalls = notedSheaves(own.sheafCalls, underWay);
    }

    override slabAllocNode(s: KmemCachePtr, gfp: number, node: number): Address {
      this.underWay.begin(ALLOCATING, s, 1);
      const object = super.slabAllocNode(s, gfp, node);
      this.underWay.end();
      return object;
    }

    override slabFree(s: KmemCachePtr, page: PagePtr, object: Address): void {
      this.underWay.beginFree(s);
      super.slabFree(s, page, object);
      this.underWay.end();
    }

    override allocBulk(s: KmemCachePtr, gfp: number, size: number, p: Address[]): number {
      this.underWay.begin(ALLOCATING, s, size);
      const got = super.allocBulk(s, gfp, size, p);
      this.underWay.end();
      return got;
    }

    override freeBulk(s: KmemCachePtr, size: number, p: Address[]): void {
      this.underWay.beginFree(s);
      super.freeBulk(s, size, p);
      this.underWay.end();
    }
  } as unknown as C;
}
