// SPDX-License-Identifier: GPL-2.0-only
/**
 * kmemcheck (mm/kmemcheck.c, arch/x86/mm/kmemcheck; until 4.15): reads of bytes that nobody has written
 * since their object was handed out, or since it was freed. A write makes its bytes initialised; it is
 * never wrong itself. The kernel lets each access to tracked pages fault, on one CPU; here the views ask,
 * on any number.
 */
import type { AccessChecker } from "../../machine/access-checker.ts";
import { KernelBug } from "../../machine/kernel-bug.ts";
import {
  KMEMCHECK_FREED,
  KMEMCHECK_INITIALIZED,
  KMEMCHECK_UNALLOCATED,
  KMEMCHECK_UNINITIALIZED,
  KMEMCHECK_UNTRACKED,
  KmemcheckShadow,
} from "../../machine/kmemcheck-shadow.ts";
import type { Address, Memory } from "../../machine/memory.ts";
import { struct, word } from "../../machine/struct.ts";
import { __GFP_NOTRACK, __GFP_ZERO } from "../../pages/gfp.ts";
import { Page, PG_SLAB } from "../../pages/page.ts";
import { dumpStack } from "../dump-stack.ts";
import { DEBUG_DEFAULT_FLAGS, SLAB_NOTRACK, SLAB_TYPESAFE_BY_RCU } from "../flags.ts";
import { KmemCacheBase, type KmemCachePtr } from "../kmem-cache.ts";
import { digits } from "../pointer-text.ts";
import type { SlabCommon } from "../slab-common.ts";

/** 1 << CONFIG_KMEMCHECK_SHADOW_COPY_SHIFT: bytes of memory that a report shows. */
const SHADOW_COPY_SIZE = 32;
/** By state, in the words and letters of a report; the first is memory that is not tracked. */
const STATES = ["untracked", "unallocated", "uninitialized", "initialized", "freed"] as const;
const LETTERS = "?auif";
const LARGEST_READ = 8;

const Counts = struct("kmemcheck", { reports: word });

export class Kmemcheck implements AccessChecker {
  declare private readonly common: SlabCommon;
  declare private readonly memory: Memory;
  declare readonly shadow: KmemcheckShadow;
  declare private readonly counts: Address;
  /** A report ends the call that it is about. */
  isFatal = false;

  constructor(common: SlabCommon) {
    this.common = common;
    this.memory = common.machine.memory;
    this.shadow = new KmemcheckShadow(common.machine);
    this.counts = common.machine.statics.allocate(Counts, "kmemcheck");
  }

  /** Reports so far, on all threads. */
  get count(): number {
    return this.memory.readOnce(this.counts + Counts.reports);
  }

  private field(s: KmemCachePtr, field: number): number {
    return this.memory.read32(s + field);
  }

  // ---- slabs ----

  /** kmemcheck_alloc_shadow, and what is known of a new slab. Debug caches poison it themselves. */
  slabMade(s: KmemCachePtr, start: Address, bytes: number): void {
    const flags = this.field(s, KmemCacheBase.flags);
    if ((flags & (SLAB_NOTRACK | DEBUG_DEFAULT_FLAGS)) !== 0) return;
    const isConstructed = this.field(s, KmemCacheBase.ctor) !== 0;
    const state = isConstructed ? KMEMCHECK_UNINITIALIZED : KMEMCHECK_UNALLOCATED;
    this.shadow.mark(start, bytes, state);
  }

  // ---- objects ----

  /** kmemcheck_slab_alloc */
  allocated(s: KmemCachePtr, gfp: number, object: Address): void {
    if (this.shadow.of(object) === KMEMCHECK_UNTRACKED) return;
    const bytes = this.common.allocator.slabKsize(s);
    const isKnown = (gfp & (__GFP_ZERO | __GFP_NOTRACK)) !== 0;
    if (isKnown) this.shadow.mark(object, bytes, KMEMCHECK_INITIALIZED);
    else if (this.field(s, KmemCacheBase.ctor) === 0) {
      this.shadow.mark(object, bytes, KMEMCHECK_UNINITIALIZED);
    }
  }

  /** kmemcheck_slab_free: what constructors and readers rely on stays as it is. */
  freed(s: KmemCachePtr, object: Address): void {
    if (this.shadow.of(object) === KMEMCHECK_UNTRACKED) return;
    const isLookedAt = (this.field(s, KmemCacheBase.flags) & SLAB_TYPESAFE_BY_RCU) !== 0;
    if (isLookedAt || this.field(s, KmemCacheBase.ctor) !== 0) return;
    this.shadow.mark(object, this.field(s, KmemCacheBase.objectSize), KMEMCHECK_FREED);
  }

  /** One of several that are freed together; with s = 0 it may be of any cache, or whole pages. */
  freedAny(s: KmemCachePtr, object: Address): void {
    const page = this.common.pages.virtToHeadPage(object);
    const isSlab = (this.memory.readOnce(page + Page.flags) & PG_SLAB) !== 0;
    const owner = isSlab ? this.memory.read32(page + Page.slabCache) : 0;
    // What belongs elsewhere is refused by the allocator.
    if (owner !== 0 && (s === 0 || s === owner)) this.freed(owner, object);
  }

  /** What is known of each byte. */
  statesOf(object: Address, bytes: number): number[] {
    return Array.from({ length: bytes }, (_, i) => this.shadow.of(object + i));
  }

  /** As memcpy takes them along: between memory that is tracked, and memory that is not. */
  setStates(object: Address, states: readonly number[]): void {
    if (this.shadow.of(object) === KMEMCHECK_UNTRACKED) return;
    for (const [i, state] of states.entries()) {
      this.shadow.mark(
        object + i,
        1,
        state === KMEMCHECK_UNTRACKED ? KMEMCHECK_INITIALIZED : state,
      );
    }
  }

  // ---- accesses ----

  check(address: Address, bytes: number, isWrite: boolean): void {
    if (!this.shadow.has(address)) return;
    const unknown = isWrite ? undefined : this.shadow.firstUnknown(address, bytes);
    if (unknown !== undefined) this.report(address, bytes, unknown);
    this.shadow.initialise(address, bytes);
  }

  /** kmemcheck_error_save and its printing. */
  private report(address: Address, bytes: number, unknown: Address): void {
    const { common, memory, shadow } = this;
    // A method of an array reads more than an instruction does: its first unknown byte is shown.
    const [at, bits] = bytes <= LARGEST_READ ? [address, bytes * 8] : [unknown, 8];
    const state = STATES[shadow.of(unknown)];
    const { console, witness } = common.machine;
    console.printk(
      `WARNING: kmemcheck: Caught ${bits}-bit read from ${state} memory (${digits(at)})`,
    );
    const from = at - (at % SHADOW_COPY_SIZE);
    const shown = Array.from({ length: SHADOW_COPY_SIZE }, (_, i) => from + i);
    console.printk(shown.map((each) => memory.read8(each).toString(16).padStart(2, "0")).join(""));
    console.printk(shown.map((each) => ` ${LETTERS[shadow.of(each)]}`).join(""));
    console.printk("^".padStart(2 + 2 * (at - from)));
    dumpStack(common, witness.stack());
    memory.add(this.counts + Counts.reports, 1);
    shadow.initialise(address, bytes);
    if (!this.isFatal) return;
    throw new KernelBug("bad-access", `kmemcheck: ${state} memory read at 0x${at.toString(16)}`);
  }
}
