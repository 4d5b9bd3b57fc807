// SPDX-License-Identifier: GPL-2.0-only
/**
 * Where things lie in an object of a debug cache, and the bytes that guard it. All offsets follow
 * from fields of the cache that are fixed while it lives.
 *
 *     [left red zone] object | red zone | free pointer | alloc track | free track | padding
 *     -redLeftPad     0      objectSize inuse          infoEnd                    end    size
 *
 * The free pointer may lie inside the object instead (offset < inuse). The left red zone came with
 * 4.6 and belongs to the slot of the object behind it.
 */

import { WORD_SIZE } from "../../caches/alignment.ts";
import { __OBJECT_POISON, SLAB_KMALLOC, SLAB_STORE_USER } from "../../caches/flags.ts";
import { kasanInfoOf, kasanMetadataSize } from "../../caches/kasan/layout.ts";
import { since } from "../../caches/kernel-version.ts";
import type { Memory } from "../../machine/memory.ts";
import { TRACK_SIZE } from "../geometry.ts";
import type { SlubContext } from "../slub-context.ts";
import { KmemCache, type KmemCachePtr } from "../structs.ts";

/** The byte of the red zones of a free object, and of an object in use. */
export const SLUB_RED_INACTIVE = 0xbb;
export const SLUB_RED_ACTIVE = 0xcc;
/** Bytes that no object uses; bytes of a free object; its last byte. */
export const POISON_INUSE = 0x5a;
export const POISON_FREE = 0x6b;
export const POISON_END = 0xa5;

export type RedZone = typeof SLUB_RED_INACTIVE | typeof SLUB_RED_ACTIVE;

/** Bytes of the note of the size that a kmalloc asked for (6.1). */
const ORIG_SIZE_BYTES = 4;

export class ObjectLayout {
  declare private readonly memory: Memory;
  declare private readonly notesSizes: boolean;
  /** sizeof(struct track) of the kernel that runs; ours is smaller and lies at its start. */
  declare readonly trackBytes: number;

  constructor({ context }: { readonly context: SlubContext }) {
    this.memory = context.memory;
    this.notesSizes = since(context.common.kernel, "6.1");
    this.trackBytes = TRACK_SIZE[context.common.kernel];
  }

  has(s: KmemCachePtr, flag: number): boolean {
    return (this.memory.read32(s + KmemCache.flags) & flag) !== 0;
  }

  objectSize(s: KmemCachePtr): number {
    return this.memory.read32(s + KmemCache.objectSize);
  }

  size(s: KmemCachePtr): number {
    return this.memory.read32(s + KmemCache.size);
  }

  inuse(s: KmemCachePtr): number {
    return this.memory.read32(s + KmemCache.inuse);
  }

  redLeftPad(s: KmemCachePtr): number {
    return this.memory.read32(s + KmemCache.redLeftPad);
  }

  /** freeptr_outside_object */
  freePointerOutside(s: KmemCachePtr): boolean {
    return this.memory.read32(s + KmemCache.offset) >= this.inuse(s);
  }

  /** get_info_end: where the tracks begin. */
  infoEnd(s: KmemCachePtr): number {
    return this.inuse(s) + (this.freePointerOutside(s) ? WORD_SIZE : 0);
  }

  /** Whether the cache notes how many bytes each kmalloc asked for (slub_debug_orig_size). */
  keepsOrigSize(s: KmemCachePtr): boolean {
    return this.notesSizes && this.has(s, SLAB_STORE_USER) && this.has(s, SLAB_KMALLOC);
  }

  /** Of the note of the size asked for, behind the tracks. */
  origSizeOffset(s: KmemCachePtr): number {
    return this.infoEnd(s) + 2 * this.trackBytes;
  }

  /** Where the padding begins that ends at `paddingEnd`. */
  paddingStart(s: KmemCachePtr): number {
    const tracks = this.has(s, SLAB_STORE_USER) ? 2 * this.trackBytes : 0;
    const noted = kasanMetadataSize(kasanInfoOf(this.memory, s));
    return this.infoEnd(s) + tracks + (this.keepsOrigSize(s) ? ORIG_SIZE_BYTES : 0) + noted;
  }

  paddingEnd(s: KmemCachePtr): number {
    return this.size(s) - this.redLeftPad(s);
  }

  /** Whether free objects of the cache are poisoned (no constructor, no readers under RCU). */
  poisonsObjects(s: KmemCachePtr): boolean {
    return this.has(s, __OBJECT_POISON);
  }
}
