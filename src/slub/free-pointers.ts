// SPDX-License-Identifier: GPL-2.0-only
/**
 * Free objects are chained through themselves: the word at object + s->offset is the next free
 * object of the slab, or NULL.
 */
import type { Address, Memory } from "../machine/memory.ts";
import type { Reports } from "./debug/reports.ts";
import type { SlubContext } from "./slub-context.ts";
import { KmemCache, type KmemCachePtr } from "./structs.ts";

const CACHE_OFFSET = KmemCache.offset;

export interface FreePointersParts {
  readonly context: SlubContext;
  /** Where a hardened list is reported that leads out of its slab. */
  readonly reports: Reports;
}

export class FreePointers {
  declare protected readonly parts: FreePointersParts;
  declare protected readonly memory: Memory;

  /** SLAB_FREELIST_HARDENED */
  get areHardened(): boolean {
    return false;
  }

  constructor(parts: FreePointersParts) {
    this.parts = parts;
    this.memory = parts.context.memory;
  }

  /** get_freepointer: of an object that the caller owns. */
  get(s: KmemCachePtr, object: Address): Address {
    return this.memory.read32(object + this.memory.read32(s + CACHE_OFFSET));
  }

  /**
   * get_freepointer_safe: of an object that another context may have allocated and written since.
   * The result is only good as the new value of a swap that fails in that case.
   */
  getSafe(s: KmemCachePtr, object: Address): Address {
    return this.memory.readRacy(object + this.memory.read32(s + CACHE_OFFSET));
  }

  /** set_freepointer: the caller owns the object until it publishes it. */
  set(s: KmemCachePtr, object: Address, next: Address): void {
    this.memory.write32(object + this.memory.read32(s + CACHE_OFFSET), next);
  }
}
