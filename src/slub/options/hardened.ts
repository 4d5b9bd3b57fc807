/**
 * SLAB_FREELIST_HARDENED (Linux 4.14; byte-swapped address since 5.7): a stored free pointer is the
 * pointer XOR the cache's secret XOR the byte-swapped address it is stored at. Who overwrites one
 * without the secret makes it decode to garbage, and an object that is freed while it is on top of
 * the list is refused.
 */
import { KernelBug } from "../../machine/kernel-bug.ts";
import type { Address } from "../../machine/memory.ts";
import type { SlubClasses } from "../classes.ts";
import type { SlubGeometry } from "../geometry.ts";
import { KmemCache, type KmemCachePtr } from "../structs.ts";

/** swab32 */
function byteSwapped(x: number): number {
  return (x << 24) | ((x & 0xff00) << 8) | ((x >>> 8) & 0xff00) | (x >>> 24);
}

export function withHardenedFreelists(classes: SlubClasses): SlubClasses {
  return {
    ...classes,
    FreePointers: class extends classes.FreePointers {
      private code(s: KmemCachePtr, pointer: Address, at: Address): Address {
        return pointer ^ this.memory.read32(s + KmemCache.random) ^ byteSwapped(at);
      }

      override get(s: KmemCachePtr, object: Address): Address {
        const at = object + this.memory.read32(s + KmemCache.offset);
        const next = this.code(s, this.memory.read32(at), at);
        this.checkDecoded(object, next);
        return next;
      }

      override getSafe(s: KmemCachePtr, object: Address): Address {
        const at = object + this.memory.read32(s + KmemCache.offset);
        return this.code(s, this.memory.readRacy(at), at);
      }

      override set(s: KmemCachePtr, object: Address, next: Address): void {
        if (object === next) {
          throw new KernelBug(
            "double-free",
            `object 0x${object.toString(16)} freed twice in a row`,
          );
        }
        const at = object + this.memory.read32(s + KmemCache.offset);
        this.memory.write32(at, this.code(s, next, at));
      }

      /** Where the list is owned, a pointer must be NULL or lie in the memory, on a word. */
      private checkDecoded(object: Address, next: Address): void {
        if (next >= 0 && next < this.memory.byteLength && (next & 7) === 0) return;
        throw new KernelBug(
          "list-corruption",
          `Freelist corrupt: object 0x${object.toString(16)} leads to 0x${(next >>> 0).toString(16)}`,
        );
      }
    },
    // The fast paths have the same two methods of their own.
    Slub: class extends classes.Slub {
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
    },
    CacheLifetime: class extends classes.CacheLifetime {
      protected override setGeometry(s: KmemCachePtr, geometry: SlubGeometry): void {
        super.setGeometry(s, geometry);
        this.memory.write32(s + KmemCache.random, this.memory.random());
      }
    },
  };
}
