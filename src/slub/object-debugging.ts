/**
 * What a debug cache does with each object. A cache without debug flags never comes here.
 */
import type { Address } from "../machine/memory.ts";
import type { PagePtr } from "../pages/page.ts";
import type { FreePointers } from "./free-pointers.ts";
import type { SlubContext } from "./slub-context.ts";
import type { KmemCachePtr } from "./structs.ts";

export class ObjectDebugging {
  protected readonly context: SlubContext;
  protected readonly freePointers: FreePointers;

  constructor(context: SlubContext, freePointers: FreePointers) {
    this.context = context;
    this.freePointers = freePointers;
  }

  /** setup_object_debug: a new slab's object is marked as free. */
  setupObject(_s: KmemCachePtr, _page: PagePtr, _object: Address): void {}

  /** alloc_debug_processing: false if the object must not be handed out. */
  allocDebugProcessing(_s: KmemCachePtr, _page: PagePtr, _object: Address): boolean {
    return true;
  }

  /** free_debug_processing: false if the chain must not be freed. list_lock is held. */
  freeDebugProcessing(
    _s: KmemCachePtr,
    _page: PagePtr,
    _head: Address,
    _tail: Address,
    _count: number,
  ): boolean {
    return true;
  }

  /** Before a slab's pages are given back. */
  checkFreedSlab(_s: KmemCachePtr, _page: PagePtr): void {}
}
