// SPDX-License-Identifier: GPL-2.0-only
/**
 * SLAB_FREELIST_HARDENED (Linux 4.14; byte-swapped address since 5.7): a stored free pointer is the
 * pointer XOR the cache's secret XOR the byte-swapped address it is stored at. A writer without the
 * secret makes the pointer decode to garbage: where a pointer leads out of its slab, the list is cut
 * and its rest given up (freelist_corrupted), before a caller gets garbage for an object. A free of
 * the object on top of the list is refused.
 */
import { KernelBug } from "../../machine/kernel-bug.ts";
import type { Address } from "../../machine/memory.ts";
import { Page, type PagePtr } from "../../pages/page.ts";
import type { FreePointersParts } from "../free-pointers.ts";
import type { SlubGeometry } from "../geometry.ts";
import type { SlubClasses } from "../kernels.ts";
import type { LayerParts } from "../parts.ts";
import type { SlubContext } from "../slub-context.ts";
import { KmemCache, type KmemCachePtr } from "../structs.ts";

/** swab32 */
function byteSwapped(x: number): number {
  return (x << 24) | ((x & 0xff00) << 8) | ((x >>> 8) & 0xff00) | (x >>> 24);
}

/** Whether a decoded pointer is NULL or leads to the slab it was found in. */
function staysInSlab({ pages }: SlubContext, object: Address, next: Address): boolean {
  if (next === 0) return true;
  return pages.virtAddrValid(next) && pages.virtToHeadPage(next) === pages.virtToHeadPage(object);
}

function reportCutList({ context, reports }: FreePointersParts, object: Address): void {
  const page = context.pages.virtToHeadPage(object);
  const s = context.memory.read32(page + Page.slabCache);
  reports.object(s, page, object, { failure: "list-corruption", message: "Freechain corrupt" });
  reports.fix(s, "Isolate corrupted freechain");
}

/** BUG_ON(object == fp). With interrupts off a lock may be held, so the machine stops. */
function refuseDoubleFree(context: SlubContext, object: Address): never {
  const message = `object 0x${object.toString(16)} freed twice in a row`;
  if (context.memory.irqsDisabled()) context.panic("double-free", message);
  throw new KernelBug("double-free", message);
}

/** What is stored, of whichever front. */
export function withHardenedPointers(classes: LayerParts): Partial<LayerParts> {
  return {
    FreePointers: class extends classes.FreePointers {
      override get areHardened(): boolean {
        return true;
      }

      private code(s: KmemCachePtr, pointer: Address, at: Address): Address {
        return pointer ^ this.memory.read32(s + KmemCache.random) ^ byteSwapped(at);
      }

      override get(s: KmemCachePtr, object: Address): Address {
        const at = object + this.memory.read32(s + KmemCache.offset);
        const next = this.code(s, this.memory.read32(at), at);
        if (staysInSlab(this.parts.context, object, next)) return next;
        reportCutList(this.parts, object);
        return 0;
      }

      override getSafe(s: KmemCachePtr, object: Address): Address {
        const at = object + this.memory.read32(s + KmemCache.offset);
        return this.code(s, this.memory.readRacy(at), at);
      }

      override set(s: KmemCachePtr, object: Address, next: Address): void {
        if (object === next) refuseDoubleFree(this.parts.context, object);
        const at = object + this.memory.read32(s + KmemCache.offset);
        this.memory.write32(at, this.code(s, next, at));
      }
    },
    CacheLifetime: class extends classes.CacheLifetime {
      protected override setGeometry(s: KmemCachePtr, geometry: SlubGeometry): void {
        super.setGeometry(s, geometry);
        this.memory.write32(s + KmemCache.random, this.memory.random());
      }
    },
  };
}

/** What the fast paths of SLUB with cpu slabs do by themselves. */
export function withHardenedFastPaths(classes: SlubClasses): Partial<SlubClasses> {
  return {
    SlowFree: class extends classes.SlowFree {
      /** Before any lock is taken. */
      override free(
        s: KmemCachePtr,
        page: PagePtr,
        head: Address,
        tail: Address,
        count: number,
      ): void {
        const isOnTop = this.memory.readOnce(page + Page.freelist) === tail;
        if (isOnTop && !this.context.isDebug(s)) refuseDoubleFree(this.context, tail);
        super.free(s, page, head, tail, count);
      }
    },
    // The fast paths have the same two methods of their own.
    Allocator: class extends classes.Allocator {
      protected override getFreepointerSafe(s: KmemCachePtr, object: Address): Address {
        return this.freePointers.getSafe(s, object);
      }

      protected override setFreepointer(
        s: KmemCachePtr,
        object: Address,
        _offset: number,
        next: Address,
      ): void {
        this.freePointers.set(s, object, next);
      }

      /**
       * Both heads are of this CPU's slab. If the new head is not, either another context has taken
       * the old head since and its data was read as a pointer, in which case the swap fails, or the
       * pointer is corrupt.
       */
      protected override updateCpuFreelistFast(
        cpuSlab: Address,
        head: Address,
        tid: number,
        newHead: Address,
      ): boolean {
        if (head === 0 || staysInSlab(this.context, head, newHead)) {
          return super.updateCpuFreelistFast(cpuSlab, head, tid, newHead);
        }
        if (!super.updateCpuFreelistFast(cpuSlab, head, tid, 0)) return false;
        reportCutList(this, head);
        return true;
      }
    },
  };
}
