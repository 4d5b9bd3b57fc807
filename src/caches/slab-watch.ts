// SPDX-License-Identifier: GPL-2.0-only
/** A checker that is told where slabs and objects come and go beside the calls that all can see. */
import type { Address } from "../machine/memory.ts";
import type { PagePtr } from "../pages/page.ts";
import type { KmemCachePtr } from "./kmem-cache.ts";
import type { SlabCommon } from "./slab-common.ts";

/** A lock that giving a slab back may want. */
export interface NamedLock {
  readonly name: string;
  readonly at: Address;
}

export interface SlabWatch {
  /** An object was handed out by none of those calls. */
  handedOut(common: SlabCommon, object: Address): void;
  /** Likewise: an object is about to come back. */
  takenBack(common: SlabCommon, object: Address): void;
  /** A slab is about to be taken apart, which may want one of `locks`. */
  dismantled(common: SlabCommon, page: PagePtr, locks: readonly NamedLock[]): void;
  /** The pages of a slab of `s`, with these objects, are about to go back. */
  givenBack(common: SlabCommon, s: KmemCachePtr, page: PagePtr, objects: readonly Address[]): void;
}
