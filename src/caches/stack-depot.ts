// SPDX-License-Identifier: GPL-2.0-only
/**
 * Stacks in shared memory, each stored once (lib/stackdepot). A record is a list of words; a frame's
 * text is a record, and a stack is a record made of the handles of its frames:
 *
 *     record:  | next in bucket | length | word 0 … word length-1 |
 *
 * Records are neither changed nor given back. A writer takes room by one atomic add, fills it, and
 * links it into its bucket by cmpxchg; there is no lock, so any context may store. Of two writers of
 * one stack the second finds the record of the first and leaves its own room unused. When the room
 * is used up, the handle is 0.
 */
import type { Machine } from "../machine/machine.ts";
import type { Address, Memory } from "../machine/memory.ts";
import { array, struct, word } from "../machine/struct.ts";
import { MAX_FRAMES } from "../machine/witness.ts";

const BUCKETS = 256;
const ROOM_WORDS = 16 * 1024;
const HEADER_WORDS = 2;
/** Longer texts are cut. */
const MAX_TEXT_WORDS = 64;

const Depot = struct("stack_depot", {
  used: word,
  buckets: array(word, BUCKETS),
  room: array(word, ROOM_WORDS),
});

/** A stored record: its address, or 0 for none. */
export type DepotHandle = Address;

export class StackDepot {
  declare private readonly memory: Memory;
  declare private readonly at: Address;

  constructor(machine: Machine) {
    this.memory = machine.memory;
    this.at = machine.statics.allocate(Depot, "stack_depot");
  }

  /** stack_depot_save: the handle of a stack; 0 for an empty stack, or without room. */
  saveStack(frames: readonly string[]): DepotHandle {
    return frames.length === 0 ? 0 : this.save(frames.map((frame) => this.saveText(frame)));
  }

  /**
   * The frames of a stored stack, without those that found no room. Undefined for a number that is
   * no handle: it was read from an object that a stray write may have hit.
   */
  stack(handle: DepotHandle): string[] | undefined {
    if (handle === 0) return [];
    const frames = this.words(handle, MAX_FRAMES);
    if (frames === undefined) return undefined;
    const texts: string[] = [];
    for (const frame of frames) {
      const words = frame === 0 ? undefined : this.words(frame, MAX_TEXT_WORDS);
      if (words !== undefined) texts.push(textOf(words));
    }
    return texts;
  }

  private words(record: DepotHandle, most: number): number[] | undefined {
    const room = this.at + Depot.room;
    if (record < room || record >= room + ROOM_WORDS * 4 || record % 4 !== 0) {
      return undefined;
    }
    const length = this.lengthOf(record);
    if (length < 1 || length > most) return undefined;
    return Array.from({ length }, (_, i) => this.wordOf(record, i));
  }

  private saveText(text: string): DepotHandle {
    const kept = text.slice(0, MAX_TEXT_WORDS * 4);
    const byte = (i: number): number => (i < kept.length ? kept.charCodeAt(i) & 0xff : 0);
    const words: number[] = [];
    for (let i = 0; i < kept.length; i += 4) {
      words.push(byte(i) | (byte(i + 1) << 8) | (byte(i + 2) << 16) | (byte(i + 3) << 24));
    }
    return this.save(words);
  }

  private save(words: readonly number[]): DepotHandle {
    const { memory } = this;
    const bucket = this.at + Depot.buckets + (hashOf(words) % BUCKETS) * 4;
    for (;;) {
      // Acquire: the records in the bucket were filled before they were linked.
      const first = memory.loadAcquire(bucket);
      const found = this.find(first, words);
      if (found !== 0) return found;
      const record = this.takeRoom(words.length);
      if (record === 0) return 0;
      memory.write32(record, first);
      memory.write32(record + 4, words.length);
      words.forEach((word, i) => {
        memory.write32(record + (HEADER_WORDS + i) * 4, word);
      });
      // Full barrier: a reader that finds the record finds it complete.
      if (memory.cmpxchg(bucket, first, record) === first) return record;
    }
  }

  private find(first: DepotHandle, words: readonly number[]): DepotHandle {
    for (let record = first; record !== 0; record = this.memory.read32(record)) {
      if (this.lengthOf(record) !== words.length) continue;
      if (words.every((word, i) => this.wordOf(record, i) === word)) return record;
    }
    return 0;
  }

  private takeRoom(length: number): DepotHandle {
    const used = this.at + Depot.used;
    const wanted = HEADER_WORDS + length;
    if (this.memory.readOnce(used) + wanted > ROOM_WORDS) return 0;
    const start = this.memory.add(used, wanted);
    return start + wanted > ROOM_WORDS ? 0 : this.at + Depot.room + start * 4;
  }

  private lengthOf(record: DepotHandle): number {
    return this.memory.read32(record + 4);
  }

  private wordOf(record: DepotHandle, i: number): number {
    return this.memory.read32(record + (HEADER_WORDS + i) * 4);
  }
}

/** FNV-1a over words. */
function hashOf(words: readonly number[]): number {
  let hash = 0x811c9dc5;
  for (const word of words) hash = Math.imul(hash ^ word, 0x01000193);
  return hash >>> 0;
}

function textOf(words: readonly number[]): string {
  let text = "";
  for (const word of words) {
    for (let shift = 0; shift < 32; shift += 8) {
      const byte = (word >>> shift) & 0xff;
      if (byte !== 0) text += String.fromCharCode(byte);
    }
  }
  return text;
}
