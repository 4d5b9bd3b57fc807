// SPDX-License-Identifier: GPL-2.0-only
/**
 * DEBUG_SLAB: the words written around and into an object, and the checks that they are intact.
 *
 *     [red zone 1][object .......................][red zone 2][user]
 *      8 bytes     free: 6b 6b 6b … a5              8 bytes     who had it last
 *                  in use: 5a 5a … until written
 *
 * Red zones are inactive while the object is free: two inactive ones at a free mean that it was freed
 * before. Damage is reported and counted, and the kernel goes on; freeing twice raises KernelBug,
 * before anything is changed.
 */
import { dumpStack } from "../../caches/dump-stack.ts";
import { SLAB_POISON, SLAB_RED_ZONE, SLAB_STORE_USER } from "../../caches/flags.ts";
import { since } from "../../caches/kernel-version.ts";
import { digits } from "../../caches/pointer-text.ts";
import { TAINT_BAD_PAGE } from "../../caches/taint.ts";
import { KernelBug } from "../../machine/kernel-bug.ts";
import type { Address, Memory } from "../../machine/memory.ts";
import type { PagePtr } from "../../pages/page.ts";
import type { IndexArray } from "../index-array.ts";
import type { SlabContext } from "../slab-context.ts";
import { ERROR } from "../statistics.ts";
import { KmemCache, type KmemCachePtr } from "../structs.ts";
import { POISON_END, POISON_FREE, POISON_INUSE } from "./poison.ts";
import { corruption, type LastUser, objectInfo, type ReportedObjects } from "./report.ts";

/** The two 64-bit magic numbers, low word first. */
const RED_INACTIVE = [0x9d74e35b | 0, 0x09f91102] as const;
const RED_ACTIVE = [0x635688c0, 0xd84156c5 | 0] as const;

type Red = readonly [low: number, high: number];

/** The parts of a SLAB that it uses. */
export interface ObjectChecksParts {
  readonly context: SlabContext;
  readonly indexes: IndexArray;
}

export class ObjectChecks implements ReportedObjects {
  declare readonly context: SlabContext;
  declare readonly memory: Memory;
  declare readonly indexes: IndexArray;

  constructor(parts: ObjectChecksParts) {
    this.context = parts.context;
    this.memory = parts.context.memory;
    this.indexes = parts.indexes;
  }

  has(s: KmemCachePtr, flag: number): boolean {
    return (this.memory.read32(s + KmemCache.flags) & flag) !== 0;
  }

  /** Where the user's bytes begin; `buffer` is where the object's whole room does. */
  start(s: KmemCachePtr, buffer: Address): Address {
    return buffer + this.memory.read32(s + KmemCache.objOffset);
  }

  // ---- red zones, poison, last user ----

  private redZones(s: KmemCachePtr, buffer: Address): readonly [first: Address, second: Address] {
    const end = buffer + this.memory.read32(s + KmemCache.size);
    const second = this.has(s, SLAB_STORE_USER) ? end - 16 : end - 8;
    return [this.start(s, buffer) - 8, second];
  }

  private isRed(at: Address, red: Red): boolean {
    return this.memory.read32(at) === red[0] && this.memory.read32(at + 4) === red[1];
  }

  private setRed(s: KmemCachePtr, buffer: Address, red: Red): void {
    for (const at of this.redZones(s, buffer)) {
      this.memory.write32(at, red[0]);
      this.memory.write32(at + 4, red[1]);
    }
  }

  /** Both red zones as the kernel prints them: 64-bit numbers without leading zeros. */
  redText(s: KmemCachePtr, buffer: Address): readonly [string, string] {
    const word = (at: Address) => BigInt(this.memory.read32(at) >>> 0);
    const text = (at: Address) => `0x${((word(at + 4) << 32n) | word(at)).toString(16)}`;
    const [first, second] = this.redZones(s, buffer);
    return [text(first), text(second)];
  }

  /** poison_obj */
  poison(s: KmemCachePtr, buffer: Address, byte: number): void {
    const at = this.start(s, buffer);
    const size = this.memory.read32(s + KmemCache.objectSize);
    this.memory.fill(at, byte, size - 1);
    this.memory.write8(at + size - 1, POISON_END);
  }

  private userWord(s: KmemCachePtr, buffer: Address): Address {
    return buffer + this.memory.read32(s + KmemCache.size) - 8;
  }

  /** Remembers the place that the object is allocated or freed at: the innermost call of it. */
  private setUser(s: KmemCachePtr, buffer: Address): void {
    const { common, machine } = this.context;
    const at = this.userWord(s, buffer);
    this.memory.write32(at, common.stackDepot.saveStack(machine.witness.stack().slice(0, 1)));
    this.memory.write32(at + 4, 0);
  }

  /** Where the object was last allocated or freed; undefined if nowhere, or nothing is kept. */
  lastUser(s: KmemCachePtr, buffer: Address): LastUser | undefined {
    if (!this.has(s, SLAB_STORE_USER)) return undefined;
    const handle = this.memory.read32(this.userWord(s, buffer));
    return { handle, place: this.context.common.stackDepot.stack(handle)?.[0] };
  }

  private construct(s: KmemCachePtr, buffer: Address): boolean {
    const ctor = this.memory.read32(s + KmemCache.ctor);
    return ctor === 0 || this.context.machine.functions.construct(ctor, this.start(s, buffer));
  }

  // ---- the moments of an object's life ----

  /**
   * cache_init_objs: a new slab's object. Poison would undo the constructor, so it runs later. False:
   * the constructor has failed.
   */
  initObject(s: KmemCachePtr, buffer: Address): boolean {
    const poisoned = this.has(s, SLAB_POISON);
    if (poisoned) this.poison(s, buffer, POISON_FREE);
    if (this.has(s, SLAB_STORE_USER)) this.memory.fill(this.userWord(s, buffer), 0, 8);
    if (this.has(s, SLAB_RED_ZONE)) this.setRed(s, buffer, RED_INACTIVE);
    if (poisoned) return true;
    if (!this.construct(s, buffer)) return false;
    if (!this.has(s, SLAB_RED_ZONE)) return true;
    const [first, second] = this.redZones(s, buffer);
    if (!this.isRed(second, RED_INACTIVE)) {
      this.error(s, this.initFunction, "constructor overwrote the end of an object");
    }
    if (!this.isRed(first, RED_INACTIVE)) {
      this.error(s, this.initFunction, "constructor overwrote the start of an object");
    }
    return true;
  }

  /** cache_alloc_debugcheck_after: the object as its user gets it; 0: its constructor has failed. */
  allocated(s: KmemCachePtr, buffer: Address): Address {
    const poisoned = this.has(s, SLAB_POISON);
    if (poisoned) {
      this.checkPoison(s, buffer);
      this.poison(s, buffer, POISON_INUSE);
    }
    if (this.has(s, SLAB_RED_ZONE)) {
      if (!this.redZones(s, buffer).every((at) => this.isRed(at, RED_INACTIVE))) {
        const message = "double free, or memory outside object was overwritten";
        this.error(s, "cache_alloc_debugcheck_after", message);
        this.print(this.redZoneLine(s, buffer));
      }
      this.setRed(s, buffer, RED_ACTIVE);
    }
    if (this.has(s, SLAB_STORE_USER)) this.setUser(s, buffer);
    return poisoned && !this.construct(s, buffer) ? 0 : this.start(s, buffer);
  }

  /** cache_free_debugcheck: takes an object from its user; returns its buffer. */
  freed(s: KmemCachePtr, page: PagePtr, object: Address): Address {
    const buffer = object - this.memory.read32(s + KmemCache.objOffset);
    const index = this.indexes.indexOf(s, page, buffer);
    const inSlab = index >= 0 && index < this.memory.read32(s + KmemCache.num);
    if (!inSlab || this.indexes.objectAt(s, page, index) !== buffer) {
      throw new KernelBug(
        "bad-access",
        `cache ${this.context.common.nameOf(s)}: 0x${object.toString(16)} is freed and no object begins there`,
      );
    }
    if (this.has(s, SLAB_RED_ZONE)) {
      this.checkRedZonesOfFreed(s, buffer);
      this.setRed(s, buffer, RED_INACTIVE);
    }
    if (this.has(s, SLAB_STORE_USER)) this.setUser(s, buffer);
    if (this.has(s, SLAB_POISON)) this.poison(s, buffer, POISON_FREE);
    return buffer;
  }

  /** verify_redzone_free */
  private checkRedZonesOfFreed(s: KmemCachePtr, buffer: Address): void {
    const zones = this.redZones(s, buffer);
    if (zones.every((at) => this.isRed(at, RED_ACTIVE))) return;
    if (!zones.every((at) => this.isRed(at, RED_INACTIVE))) {
      this.error(s, "verify_redzone_free", "memory outside object was overwritten");
      this.printFreed(s, buffer);
      return;
    }
    const what = this.error(s, "verify_redzone_free", "double free detected");
    this.printFreed(s, buffer);
    throw new KernelBug("double-free", [what, ...objectInfo(this, s, buffer, 0)].join("\n"));
  }

  /** slab_destroy_debugcheck: before a slab's pages go. */
  destroyed(s: KmemCachePtr, page: PagePtr): void {
    const num = this.memory.read32(s + KmemCache.num);
    for (let i = 0; i < num; i++) {
      const buffer = this.indexes.objectAt(s, page, i);
      if (this.has(s, SLAB_POISON)) this.checkPoison(s, buffer);
      if (!this.has(s, SLAB_RED_ZONE)) continue;
      const [first, second] = this.redZones(s, buffer);
      if (!this.isRed(first, RED_INACTIVE)) {
        const message = "start of a freed object was overwritten";
        this.error(s, "slab_destroy_debugcheck", message);
      }
      if (!this.isRed(second, RED_INACTIVE)) {
        this.error(s, "slab_destroy_debugcheck", "end of a freed object was overwritten");
      }
    }
  }

  // ---- reports ----

  /** slab_error: `place` is the kernel's function. Returns the line that it begins with. */
  private error(s: KmemCachePtr, place: string, message: string): string {
    const { common, machine } = this.context;
    this.countError(s);
    const line = `slab error in ${place}(): cache \`${common.nameOf(s)}': ${message}`;
    this.print(line);
    dumpStack(common, machine.witness.stack());
    common.taint.add(TAINT_BAD_PAGE);
    return line;
  }

  private get initFunction(): string {
    return since(this.context.common.kernel, "4.6") ? "cache_init_objs_debug" : "cache_init_objs";
  }

  private redZoneLine(s: KmemCachePtr, buffer: Address): string {
    const [first, second] = this.redText(s, buffer);
    return `${digits(buffer)}: redzone 1:${first}, redzone 2:${second}`;
  }

  /** Until 4.10 the line of a free ended with a full stop. */
  private printFreed(s: KmemCachePtr, buffer: Address): void {
    const line = this.redZoneLine(s, buffer);
    this.print(since(this.context.common.kernel, "4.10") ? line : `${line}.`);
  }

  private print(line: string): void {
    this.context.machine.console.printk(line);
  }

  private countError(s: KmemCachePtr): void {
    const flags = this.memory.irqSave();
    this.context.stat(s, ERROR);
    this.memory.irqRestore(flags);
  }

  /** check_poison_obj: bytes of a free object that were written, in lines of 16, and neighbours. */
  checkPoison(s: KmemCachePtr, buffer: Address): void {
    const at = this.start(s, buffer);
    const size = this.memory.read32(s + KmemCache.objectSize);
    const bodyBad = this.memory.findOther(at, POISON_FREE, size - 1);
    if (bodyBad === 0 && this.memory.read8(at + size - 1) === POISON_END) return;
    this.countError(s);
    for (const line of corruption(this, s, buffer)) this.print(line);
  }
}
