// SPDX-License-Identifier: GPL-2.0-only
/**
 * Damage that a check found (slab_bug, object_err, slab_err, slab_fix): counted in shared memory,
 * passed on as data, and printed as the kernel prints it. Nothing is thrown: a report leaves the cache
 * repaired and usable. All findings are counted; printing stops at a limit, so that one corrupted
 * cache does not fill a log.
 */
import type { Section, SlabReport, SlabState, WrongBytes } from "../../caches/slab-report.ts";
import type { FailureClass } from "../../machine/kernel-bug.ts";
import { PAGE_SIZE } from "../../machine/machine.ts";
import type { Address, Memory } from "../../machine/memory.ts";
import { struct, word } from "../../machine/struct.ts";
import { Page, type PagePtr } from "../../pages/page.ts";
import { inuseOf, objectsOf } from "../counters.ts";
import type { SlubContext } from "../slub-context.ts";
import type { KmemCachePtr } from "../structs.ts";
import { ObjectLayout } from "./object-layout.ts";
import { fixText, type ReportStyle, reportStyle, reportText } from "./report-text.ts";
import { objectSections } from "./sections.ts";
import { TRACK_ALLOC, TRACK_FREE, Tracks } from "./tracks.ts";

/** Reports and fixes that are printed, over all caches. All are counted. */
export const PRINTED_REPORTS = 500;

const Counts = struct("slab_errors", { errors: word });

/** What a check found, in the kernel's words. */
export interface Finding {
  readonly failure: FailureClass;
  readonly message: string;
  readonly wrong?: WrongBytes;
}

export class Reports {
  /** Where reports go as data, one sink a thread; by default nowhere. */
  sink: (report: SlabReport) => void = () => undefined;
  declare readonly context: SlubContext;
  declare readonly memory: Memory;
  declare readonly layout: ObjectLayout;
  declare readonly tracks: Tracks;
  declare readonly style: ReportStyle;
  declare private readonly counts: Address;

  constructor(parts: { readonly context: SlubContext }) {
    this.context = parts.context;
    this.memory = parts.context.memory;
    this.style = reportStyle(parts.context.common.kernel);
    this.layout = new ObjectLayout(this);
    this.tracks = new Tracks(this);
    this.counts = parts.context.machine.statics.allocate(Counts, "slab_errors");
  }

  /** Reports and fixes so far, on all threads: what slub_kunit counts. */
  get errors(): number {
    return this.memory.readOnce(this.counts + Counts.errors);
  }

  /** object_err, and check_bytes_and_report where bytes are wrong. */
  object(s: KmemCachePtr, page: PagePtr, object: Address, finding: Finding): void {
    const allocated = this.tracks.get(s, object, TRACK_ALLOC);
    const freed = this.tracks.get(s, object, TRACK_FREE);
    const start = this.startOf(page);
    const end = start + (PAGE_SIZE << this.context.pages.compoundOrder(page));
    this.emit({
      cache: this.context.common.nameOf(s),
      ...finding,
      slab: this.slabState(page),
      object,
      ...(allocated === undefined ? {} : { allocated }),
      ...(freed === undefined ? {} : { freed }),
      sections: objectSections(this, s, object, { start, end }),
    });
  }

  /** slab_err, with the bytes around those that are wrong. */
  slab(s: KmemCachePtr, page: PagePtr, finding: Finding, around: readonly Section[] = []): void {
    this.emit({
      cache: this.context.common.nameOf(s),
      ...finding,
      slab: this.slabState(page),
      sections: around,
    });
  }

  /** slab_fix: how the damage was repaired. */
  fix(s: KmemCachePtr, message: string): void {
    this.lines(() => [fixText(this.context.common.nameOf(s), message)]);
  }

  /** Counts a finding that needs no dump; its lines are made only if they are printed. */
  lines(text: () => readonly string[]): void {
    if (this.count()) this.print(text());
  }

  private emit(report: SlabReport): void {
    const printed = this.count();
    this.sink(report);
    if (printed) this.print(reportText(report, this.style));
  }

  /** Counts one finding. True: it is still to be printed. */
  private count(): boolean {
    const before = this.memory.add(this.counts + Counts.errors, 1);
    if (before === PRINTED_REPORTS) {
      this.print([`SLUB: ${PRINTED_REPORTS} reports printed; further ones are only counted`]);
    }
    return before < PRINTED_REPORTS;
  }

  private print(lines: readonly string[]): void {
    for (const line of lines) this.context.machine.console.printk(line);
  }

  private slabState(page: PagePtr): SlabState {
    const counters = this.memory.readOnce(page + Page.counters);
    return {
      page,
      start: this.startOf(page),
      objects: objectsOf(counters),
      used: inuseOf(counters),
      freelist: this.memory.readOnce(page + Page.freelist),
      flags: this.memory.readOnce(page + Page.flags),
    };
  }

  private startOf(page: PagePtr): Address {
    return this.context.pages.pageAddress(page);
  }
}
