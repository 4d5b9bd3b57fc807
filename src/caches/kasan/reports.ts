// SPDX-License-Identifier: GPL-2.0-only
/**
 * What KASAN says (mm/kasan/report.c), line by line as 4.1, 6.1 and 7.1 print it. Every bad access is
 * reported, as with kasan_multi_shot.
 */
import {
  GRANULE,
  KASAN_FREE_PAGE,
  KASAN_PAGE_REDZONE,
  KASAN_SLAB_FREE_META,
  KASAN_SLAB_REDZONE,
  type KasanShadow,
} from "../../machine/kasan-shadow.ts";
import { type FailureClass, KernelBug } from "../../machine/kernel-bug.ts";
import { PAGE_SHIFT } from "../../machine/machine.ts";
import type { Address } from "../../machine/memory.ts";
import { struct, word } from "../../machine/struct.ts";
import { Page, type PagePtr, PG_SLAB } from "../../pages/page.ts";
import { COMM, dumpStack } from "../dump-stack.ts";
import { since } from "../kernel-version.ts";
import { KmemCacheBase, type KmemCachePtr } from "../kmem-cache.ts";
import { digits } from "../pointer-text.ts";
import type { SlabCommon } from "../slab-common.ts";
import { TAINT_BAD_PAGE } from "../taint.ts";
import { allocMetaOf, freeMetaOf, kasanInfoOf } from "./layout.ts";

export interface BadAccess {
  readonly address: Address;
  readonly bytes: number;
  readonly isWrite: boolean;
  /** The first byte that must not be accessed. */
  readonly bad: Address;
}

type FreeError = "double-free" | "invalid-free";

/** An object near an address, which lies in its slab. */
interface Near {
  readonly s: KmemCachePtr;
  readonly page: PagePtr;
  readonly object: Address;
  readonly bytes: number;
}

const RULE = "=".repeat(66);
const ROW_BYTES = 16;
const ROW_MEMORY = ROW_BYTES * GRANULE;
/** Rows before and behind the one that is to blame. */
const ROWS_AROUND = 2;
/** Where the digits of the first byte end. */
const CARET = 3 + 16 + 1;

const Counts = struct("kasan_reports", { reports: word });

export class KasanReports {
  declare private readonly common: SlabCommon;
  declare private readonly shadow: KasanShadow;
  declare private readonly counts: Address;
  /** kasan.fault=panic: a report ends the call that it is about. */
  isFatal = false;

  constructor(common: SlabCommon, shadow: KasanShadow) {
    this.common = common;
    this.shadow = shadow;
    this.counts = common.machine.statics.allocate(Counts, "kasan_reports");
  }

  /** Reports so far, on all threads. */
  get count(): number {
    return this.common.machine.memory.readOnce(this.counts + Counts.reports);
  }

  /** kasan_report */
  badAccess(access: BadAccess): void {
    const { address, bytes, isWrite, bad } = access;
    const [type, failure] = this.typeOf(bad);
    const what = isWrite ? "Write" : "Read";
    const by = `by task ${COMM}/${this.common.machine.memory.current()}`;
    if (since(this.common.kernel, "4.8")) {
      this.report(type, [`${what} of size ${bytes} at addr ${digits(address)} ${by}`], bad);
    } else {
      this.reportEarly(type, `${what} of size ${bytes} ${by}`, access);
    }
    this.end(failure, type, address);
  }

  /** kasan_report_invalid_free */
  invalidFree(type: FreeError, object: Address): void {
    const by = `by task ${COMM}/${this.common.machine.memory.current()}`;
    this.report(type, [`Free of addr ${digits(object)} ${by}`], object);
    this.end(type === "double-free" ? type : "bad-access", type, object);
  }

  private end(failure: FailureClass, type: string, address: Address): void {
    this.common.machine.memory.add(this.counts + Counts.reports, 1);
    if (!this.isFatal) return;
    throw new KernelBug(failure, `KASAN: ${type} at 0x${address.toString(16)}`);
  }

  private get finder(): readonly string[] {
    return this.common.machine.witness.stack();
  }

  private typeOf(bad: Address): [string, FailureClass] {
    let shadow = this.shadow.of(bad);
    // The object ends in this granule: the next one says what lies behind it.
    if (shadow < GRANULE) shadow = this.shadow.of(bad + GRANULE);
    const { kernel } = this.common;
    const isEarly = !since(kernel, "4.8");
    if (shadow === KASAN_FREE_PAGE) {
      return [isEarly ? "use after free" : "use-after-free", "use-after-free"];
    }
    if (shadow === KASAN_SLAB_REDZONE || shadow === KASAN_PAGE_REDZONE || shadow < GRANULE) {
      if (isEarly) return ["out of bounds access", "redzone"];
      return [shadow < GRANULE ? "out-of-bounds" : "slab-out-of-bounds", "redzone"];
    }
    if (isEarly) return ["use after free", "use-after-free"];
    return [since(kernel, "6.4") ? "slab-use-after-free" : "use-after-free", "use-after-free"];
  }

  private print(lines: readonly string[]): void {
    for (const line of lines) this.common.machine.console.printk(line);
  }

  private siteOfFinder(): string {
    return this.finder[0] ?? "<not-available>";
  }

  // ---- 4.1 ----

  /** An object's report is that of SLUB, with all that it knows. */
  private reportEarly(type: string, who: string, { address, bad }: BadAccess): void {
    const { common } = this;
    this.print([RULE, `BUG: KASan: ${type} in ${this.siteOfFinder()} at addr ${digits(address)}`]);
    this.print([who]);
    const near = this.near(bad);
    if (near === undefined) dumpStack(common, this.finder);
    else {
      const { s, page, object } = near;
      common.observer.objectError?.(s, page, object, "kasan: bad access detected");
    }
    this.print([...this.shadowRows(bad), RULE]);
    common.taint.add(TAINT_BAD_PAGE);
  }

  // ---- since 4.8 ----

  private report(type: string, who: readonly string[], bad: Address): void {
    const { common } = this;
    this.print([RULE, `BUG: KASAN: ${type} in ${this.siteOfFinder()}`, ...who, ""]);
    dumpStack(common, this.finder);
    this.print([""]);
    const near = this.near(bad);
    if (near !== undefined) this.describeObject(near, bad, type);
    this.print(["The buggy address belongs to the physical page:", this.pageLine(bad), ""]);
    this.print([...this.shadowRows(bad), RULE]);
    common.taint.add(TAINT_BAD_PAGE);
  }

  private describeObject(near: Near, bad: Address, type: string): void {
    const { common } = this;
    const { s, object, bytes } = near;
    const kasan = kasanInfoOf(common.machine.memory, s);
    this.track("Allocated", allocMetaOf(kasan, object));
    // Only this value of the shadow says that the note of the free is still there.
    if (this.shadow.of(object) === KASAN_SLAB_FREE_META) {
      const meta = freeMetaOf(kasan, object);
      this.track("Freed", meta === 0 ? 0 : meta + 8);
    }
    const isLater = since(common.kernel, "6.4");
    const size = isLater ? this.shadow.accessible(object, bytes) || bytes : bytes;
    let state = "";
    if (isLater) state = type === "slab-out-of-bounds" ? "allocated " : "freed ";
    let [distance, where] = [bad - object, "inside"];
    if (bad < object) [distance, where] = [object - bad, "to the left"];
    else if (bad >= object + size) [distance, where] = [bad - object - size, "to the right"];
    this.print([
      `The buggy address belongs to the object at ${digits(object)}`,
      ` which belongs to the cache ${common.nameOf(s)} of size ${bytes}`,
      `The buggy address is located ${distance} bytes ${where} of`,
      ` ${state}${size}-byte region [${digits(object)}, ${digits(object + size)})`,
      "",
    ]);
  }

  private track(what: string, track: Address): void {
    if (track === 0) return;
    const { machine, stackDepot } = this.common;
    const stack = stackDepot.stack(machine.memory.read32(track + 4)) ?? [];
    const calls = stack.map((call) => ` ${call}`);
    this.print([`${what} by task ${machine.memory.read32(track)}:`, ...calls, ""]);
  }

  private pageLine(bad: Address): string {
    const { pages } = this.common;
    const page = pages.virtToHeadPage(bad);
    const pfn = (pages.pageAddress(page) >>> PAGE_SHIFT).toString(16);
    return `page:${digits(page)} refcount:1 mapcount:0 mapping:${digits(0)} index:0x0 pfn:0x${pfn}`;
  }

  // ---- both ----

  /** The object that an address belongs to: the last that begins before it, or the first of the slab. */
  private near(address: Address): Near | undefined {
    const { common } = this;
    const { memory } = common.machine;
    if (!common.pages.virtAddrValid(address)) return undefined;
    const page = common.pages.virtToHeadPage(address);
    if ((memory.readOnce(page + Page.flags) & PG_SLAB) === 0) return undefined;
    const s = memory.read32(page + Page.slabCache);
    const objects = common.observer.objectsOfSlab(s, page);
    const object = objects.findLast((each) => each <= address) ?? objects[0];
    if (object === undefined) return undefined;
    return { s, page, object, bytes: memory.read32(s + KmemCacheBase.objectSize) };
  }

  /** print_shadow_for_address */
  private shadowRows(bad: Address): string[] {
    const guilty = bad - (bad % ROW_MEMORY);
    const lines = ["Memory state around the buggy address:"];
    for (let row = -ROWS_AROUND; row <= ROWS_AROUND; row++) {
      const at = guilty + row * ROW_MEMORY;
      if (!this.shadow.has(at)) continue;
      const bytes = Array.from({ length: ROW_BYTES }, (_, i) => this.shadow.of(at + i * GRANULE));
      const cells = bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
      lines.push(`${row === 0 ? ">" : " "}${digits(at)}: ${cells}`);
      if (row === 0) lines.push("^".padStart(CARET + ((bad - at) >> 3) * 3));
    }
    return lines;
  }
}
