// SPDX-License-Identifier: GPL-2.0-only
/**
 * The bytes of an object that debugging owns: red zones, poison, and the note of the size asked
 * for. Written while no other context can reach the object.
 */
import { SLAB_RED_ZONE } from "../../caches/flags.ts";
import type { Address, Memory } from "../../machine/memory.ts";
import type { SlubContext } from "../slub-context.ts";
import type { KmemCachePtr } from "../structs.ts";
import {
  type ObjectLayout,
  POISON_END,
  POISON_FREE,
  type RedZone,
  SLUB_RED_ACTIVE,
  SLUB_RED_INACTIVE,
} from "./object-layout.ts";

export class ObjectContent {
  declare private readonly memory: Memory;
  declare private readonly layout: ObjectLayout;

  constructor(parts: { readonly context: SlubContext; readonly layout: ObjectLayout }) {
    this.memory = parts.context.memory;
    this.layout = parts.layout;
  }

  /** init_object: poison, and red zones that say whether the object is in use. */
  init(s: KmemCachePtr, object: Address, zone: RedZone): void {
    const { memory, layout } = this;
    const objectSize = layout.objectSize(s);
    if (layout.keepsOrigSize(s)) this.setOrigSize(s, object, objectSize);
    if (layout.poisonsObjects(s)) {
      memory.fill(object, POISON_FREE, objectSize - 1);
      memory.write8(object + objectSize - 1, POISON_END);
    }
    if (layout.has(s, SLAB_RED_ZONE)) {
      const left = layout.redLeftPad(s);
      if (left > 0) memory.fill(object - left, zone, left);
      memory.fill(object + objectSize, zone, layout.inuse(s) - objectSize);
    }
  }

  /** Whether the red zone says that the object is free; false without a red zone. */
  isMarkedFree(s: KmemCachePtr, object: Address): boolean {
    const { memory, layout } = this;
    if (!layout.has(s, SLAB_RED_ZONE)) return false;
    const zone = object + layout.objectSize(s);
    return memory.findOther(zone, SLUB_RED_INACTIVE, object + layout.inuse(s) - zone) === 0;
  }

  /** Bytes that a kmalloc asked for. The rest of the object is red zone while it is in use. */
  origSize(s: KmemCachePtr, object: Address): number {
    const objectSize = this.layout.objectSize(s);
    if (!this.layout.keepsOrigSize(s)) return objectSize;
    // Unsigned: a stray write may have left any value.
    const noted = this.memory.read32(object + this.layout.origSizeOffset(s)) >>> 0;
    return Math.min(noted, objectSize);
  }

  /** set_orig_size, and the red zone that follows from it. */
  setRequested(s: KmemCachePtr, object: Address, size: number): void {
    if (!this.layout.keepsOrigSize(s)) return;
    this.setOrigSize(s, object, size);
    if (!this.layout.has(s, SLAB_RED_ZONE)) return;
    this.memory.fill(object + size, SLUB_RED_ACTIVE, this.layout.objectSize(s) - size);
  }

  private setOrigSize(s: KmemCachePtr, object: Address, size: number): void {
    this.memory.write32(object + this.layout.origSizeOffset(s), size);
  }
}
