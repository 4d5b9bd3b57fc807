// SPDX-License-Identifier: GPL-2.0-only
/**
 * The last allocation and the last free of an object (struct track): two records behind each object
 * of a cache with SLAB_STORE_USER. The context that allocates or frees the object writes them, while
 * it alone can reach the object; reports read them, under list_lock.
 */

import { SLAB_STORE_USER } from "../../caches/flags.ts";
import type { Track } from "../../caches/slab-report.ts";
import type { StackDepot } from "../../caches/stack-depot.ts";
import type { Address, Memory } from "../../machine/memory.ts";
import { struct, word } from "../../machine/struct.ts";
import type { SlubContext } from "../slub-context.ts";
import type { KmemCachePtr } from "../structs.ts";
import type { ObjectLayout } from "./object-layout.ts";

export const TRACK_ALLOC = 0;
export const TRACK_FREE = 1;
export type TrackItem = typeof TRACK_ALLOC | typeof TRACK_FREE;

const TrackWords = struct("track", {
  /** VALID once written, since a track may be without a stack. */
  valid: word,
  stack: word,
  cpu: word,
  task: word,
  when: word,
});

const VALID = 0x7472636b;

/** The innermost caller, as reports group by it. */
export function siteOf(track: Track | undefined): string {
  return track?.stack[0] ?? "<not-available>";
}

export class Tracks {
  declare private readonly context: SlubContext;
  declare private readonly memory: Memory;
  declare private readonly layout: ObjectLayout;
  declare private readonly depot: StackDepot;

  constructor(parts: { readonly context: SlubContext; readonly layout: ObjectLayout }) {
    this.context = parts.context;
    this.memory = parts.context.memory;
    this.layout = parts.layout;
    this.depot = parts.context.common.stackDepot;
  }

  private at(s: KmemCachePtr, object: Address, item: TrackItem): Address {
    return object + this.layout.infoEnd(s) + item * this.layout.trackBytes;
  }

  /** init_tracking: neither allocated nor freed yet. */
  init(s: KmemCachePtr, object: Address): void {
    if (!this.layout.has(s, SLAB_STORE_USER)) return;
    this.memory.fill(this.at(s, object, TRACK_ALLOC), 0, 2 * this.layout.trackBytes);
  }

  /** set_track */
  set(s: KmemCachePtr, object: Address, item: TrackItem): void {
    if (!this.layout.has(s, SLAB_STORE_USER)) return;
    const { memory } = this;
    const { witness } = this.context.machine;
    const at = this.at(s, object, item);
    memory.write32(at + TrackWords.stack, this.depot.saveStack(witness.stack()));
    memory.write32(at + TrackWords.cpu, memory.smpProcessorId());
    memory.write32(at + TrackWords.task, memory.current());
    memory.write32(at + TrackWords.when, witness.milliseconds());
    memory.write32(at + TrackWords.valid, VALID);
  }

  /** get_track; undefined if the cache keeps no tracks, or this one was not written yet. */
  get(s: KmemCachePtr, object: Address, item: TrackItem): Track | undefined {
    if (!this.layout.has(s, SLAB_STORE_USER)) return undefined;
    const { memory } = this;
    const at = this.at(s, object, item);
    if (memory.read32(at + TrackWords.valid) !== VALID) return undefined;
    const stack = this.depot.stack(memory.read32(at + TrackWords.stack));
    if (stack === undefined) return undefined;
    return {
      stack,
      cpu: memory.read32(at + TrackWords.cpu),
      task: memory.read32(at + TrackWords.task),
      age: (this.context.machine.witness.milliseconds() - memory.read32(at + TrackWords.when)) | 0,
    };
  }
}
