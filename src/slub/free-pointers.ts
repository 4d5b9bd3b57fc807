/**
 * Free objects are chained through themselves: the word at object + s->offset is the next free
 * object of the slab, or NULL.
 */
import type { Address, Memory } from "../machine/memory.ts";
import type { SlubContext } from "./slub-context.ts";
import { KmemCache, type KmemCachePtr } from "./structs.ts";

const OFFSET = KmemCache.offset;

export class FreePointers {
  declare protected readonly context: SlubContext;
  declare protected readonly memory: Memory;

  constructor(context: SlubContext) {
    this.context = context;
    this.memory = context.memory;
  }

  /** get_freepointer: of an object that the caller owns. */
  get(s: KmemCachePtr, object: Address): Address {
    return this.memory.read32(object + this.memory.read32(s + OFFSET));
  }

  /**
   * get_freepointer_safe: of an object that somebody may have allocated and written meanwhile. What
   * comes back is only good as the new value of a swap that fails if that has happened.
   */
  getSafe(s: KmemCachePtr, object: Address): Address {
    return this.memory.readRacy(object + this.memory.read32(s + OFFSET));
  }

  /** set_freepointer: the caller owns the object until it publishes it. */
  set(s: KmemCachePtr, object: Address, next: Address): void {
    this.memory.write32(object + this.memory.read32(s + OFFSET), next);
  }
}
