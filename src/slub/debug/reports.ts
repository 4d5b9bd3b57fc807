// SPDX-License-Identifier: GPL-2.0-only
/**
 * Damage that a check found (slab_bug, object_err, slab_err, slab_fix): counted in shared memory,
 * passed on as data, and printed as the kernel prints it. Nothing is thrown: a report leaves the cache
 * repaired and usable. All findings are counted; printing stops at a limit, so that one corrupted
 * cache does not fill a log.
 *
 * The order of the parts differs between kernels. The taint was added with the header before 5.15,
 * with the trailer since. Since 6.15 a warning takes the place of the stack, and wrong bytes are told
 * before the header, which says `Object corrupt` once for all wrong bytes of an object.
 */
import { dumpStack, warn } from "../../caches/dump-stack.ts";
import { since } from "../../caches/kernel-version.ts";
import type { Section, SlabReport, SlabState, WrongBytes } from "../../caches/slab-report.ts";
import { TAINT_BAD_PAGE } from "../../caches/taint.ts";
import type { FailureClass } from "../../machine/kernel-bug.ts";
import { PAGE_SIZE } from "../../machine/machine.ts";
import type { Address, Memory } from "../../machine/memory.ts";
import { struct, word } from "../../machine/struct.ts";
import { Page, type PagePtr } from "../../pages/page.ts";
import { inuseOf, objectsOf } from "../counters.ts";
import type { SlubContext } from "../slub-context.ts";
import { KmemCache, type KmemCachePtr } from "../structs.ts";
import { ObjectLayout } from "./object-layout.ts";
import { ReportText } from "./report-text.ts";
import { objectSections } from "./sections.ts";
import { TRACK_ALLOC, TRACK_FREE, Tracks } from "./tracks.ts";

/** Reports and fixes that are printed, over all caches. All are counted. */
export const PRINTED_REPORTS = 500;

const Counts = struct("slab_errors", {
  errors: word,
  /** Objects freed to a wrong cache have been warned of once. */
  warnedOfStrangers: word,
});

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
  declare readonly text: ReportText;
  declare private readonly counts: Address;
  declare private readonly taintsLast: boolean;
  declare private readonly warns: boolean;

  constructor(parts: { readonly context: SlubContext }) {
    this.context = parts.context;
    this.memory = parts.context.memory;
    const { kernel } = parts.context.common;
    this.text = new ReportText(kernel);
    this.taintsLast = since(kernel, "5.15");
    this.warns = since(kernel, "6.15");
    this.layout = new ObjectLayout(this);
    this.tracks = new Tracks(this);
    this.counts = parts.context.machine.statics.allocate(Counts, "slab_errors");
  }

  /** Reports and fixes so far, on all threads: what slub_kunit counts. */
  get errors(): number {
    return this.memory.readOnce(this.counts + Counts.errors);
  }

  /** object_err. */
  object(s: KmemCachePtr, page: PagePtr, object: Address, finding: Finding): void {
    const printed = this.count();
    const report = this.objectReport(s, page, object, finding);
    this.sink(report);
    if (printed) this.printObject(report, object, finding.message);
  }

  /** object_err of what is no object: since 6.15 the slab and the pointer are told, and no bytes. */
  notAnObject(s: KmemCachePtr, page: PagePtr, pointer: Address, finding: Finding): void {
    if (!this.warns) {
      this.object(s, page, pointer, finding);
      return;
    }
    const printed = this.count();
    const report = this.objectReport(s, page, pointer, finding);
    this.sink(report);
    if (!printed) return;
    this.header(report, finding.message);
    this.print([this.text.slab(report.slab), `Invalid pointer ${this.text.pointer(pointer)}`]);
    this.end(report, "object_err");
  }

  /**
   * check_bytes_and_report. `isFirst`: nothing else was found wrong with the object before; later
   * kernels print it only then.
   */
  bytes(
    s: KmemCachePtr,
    page: PagePtr,
    object: Address,
    finding: Finding & { readonly wrong: WrongBytes },
    isFirst: boolean,
  ): void {
    const printed = this.count();
    const report = this.objectReport(s, page, object, finding);
    this.sink(report);
    if (!printed) return;
    const { message, wrong } = finding;
    const found = this.text.wrong(wrong, report.slab.start);
    if (!this.warns) this.printObject(report, object, message, [found]);
    else {
      this.print([`[${message}] ${found}`]);
      if (isFirst) this.printObject(report, object, "Object corrupt");
    }
  }

  /** slab_err, with the bytes around those that are wrong. */
  slab(s: KmemCachePtr, page: PagePtr, finding: Finding, around: readonly Section[] = []): void {
    const printed = this.count();
    const report = { ...this.reportOf(s, page, finding), sections: around };
    this.sink(report);
    if (!printed) return;
    const bytes = this.text.sections(around);
    this.header(report, finding.message);
    if (this.warns) this.print(bytes);
    this.slabTrailer(report);
    if (!this.warns) this.print(bytes);
  }

  /**
   * list_slab_objects: objects that are in use when their cache goes, each with its tracks. Until 6.15
   * the slab is told before them.
   */
  remaining(s: KmemCachePtr, page: PagePtr, message: string, objects: readonly Address[]): void {
    const printed = this.count();
    const report = { ...this.reportOf(s, page, { failure: "lost-object", message }), sections: [] };
    this.sink(report);
    if (printed) {
      this.header(report, message);
      if (!this.warns) this.slabTrailer(report);
    }
    for (const object of objects) {
      this.lines(() => [
        this.text.object(object, report.slab.start),
        ...this.text.tracks(this.tracksOf(s, object)),
      ]);
    }
    if (printed && this.warns) this.slabTrailer(report);
  }

  /** cache_from_obj, since 7.0 warn_free_bad_obj: an object of `owner` is freed to `s`. */
  wrongCache(s: KmemCachePtr, owner: KmemCachePtr, page: PagePtr, object: Address): void {
    const { common } = this.context;
    const isOnce = since(common.kernel, "7.0");
    const [name, ownName] = [common.nameOf(s), common.nameOf(owner)];
    const message = isOnce
      ? `kmem_cache_free(${name}, ${this.text.pointer(object)}): object belongs to different cache ${ownName}`
      : `cache_from_obj: Wrong slab cache. ${name} but object is from ${ownName}`;
    const report = this.objectReport(owner, page, object, { failure: "wrong-slab", message });
    this.sink(report);
    const warned = this.counts + Counts.warnedOfStrangers;
    if (isOnce && this.memory.cmpxchg(warned, 0, 1) !== 0) return;
    warn(common, "kmem_cache_free", report.finder, message);
    this.print(this.text.tracks(report));
  }

  /** slab_fix: how the damage was repaired. */
  fix(s: KmemCachePtr, message: string): void {
    this.lines(() => `FIX ${this.context.common.nameOf(s)}: ${message}`.split("\n"));
  }

  /** Counts a finding that needs no dump; its lines are made only if they are printed. */
  lines(text: () => readonly string[]): void {
    if (this.count()) this.print(text());
  }

  // ---- text ----

  private printObject(
    report: SlabReport,
    object: Address,
    message: string,
    wrong: readonly string[] = [],
  ): void {
    this.header(report, message);
    this.print(wrong);
    this.print(this.text.trailer(report, object));
    this.end(report, "object_err");
  }

  private header({ cache }: SlabReport, message: string): void {
    const { taint } = this.context.common;
    this.print(this.text.header(cache, taint.text, message));
    if (!this.taintsLast) taint.add(TAINT_BAD_PAGE);
  }

  private slabTrailer(report: SlabReport): void {
    this.print([this.text.slab(report.slab)]);
    this.end(report, "__slab_err");
  }

  private end({ finder }: SlabReport, place: string): void {
    const { common } = this.context;
    if (!this.warns) dumpStack(common, finder);
    if (this.taintsLast) common.taint.add(TAINT_BAD_PAGE);
    if (this.warns) warn(common, place, finder);
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

  // ---- data ----

  private objectReport(
    s: KmemCachePtr,
    page: PagePtr,
    object: Address,
    finding: Finding,
  ): SlabReport {
    const start = this.startOf(page);
    const end = start + (PAGE_SIZE << this.context.pages.compoundOrder(page));
    return {
      ...this.reportOf(s, page, finding),
      object,
      ...this.freePointerOf(s, object),
      ...this.tracksOf(s, object),
      sections: objectSections(this, s, object, { start, end }),
    };
  }

  private reportOf(s: KmemCachePtr, page: PagePtr, finding: Finding): Omit<SlabReport, "sections"> {
    const { common, machine } = this.context;
    return {
      cache: common.nameOf(s),
      ...finding,
      slab: this.slabState(page),
      finder: machine.witness.stack(),
    };
  }

  /** As it is stored: a hardened one stays encoded. Objects outside of all pages have none. */
  private freePointerOf(
    s: KmemCachePtr,
    object: Address,
  ): Pick<SlabReport, "freePointer"> | undefined {
    const at = (object + this.memory.read32(s + KmemCache.offset)) & ~3;
    if (!this.context.pages.virtAddrValid(at)) return undefined;
    return { freePointer: this.memory.readRacy(at) };
  }

  private tracksOf(s: KmemCachePtr, object: Address): Pick<SlabReport, "allocated" | "freed"> {
    const allocated = this.tracks.get(s, object, TRACK_ALLOC);
    const freed = this.tracks.get(s, object, TRACK_FREE);
    return {
      ...(allocated === undefined ? {} : { allocated }),
      ...(freed === undefined ? {} : { freed }),
    };
  }

  private slabState(page: PagePtr): SlabState {
    const { pages } = this.context;
    const counters = this.memory.readOnce(page + Page.counters);
    return {
      page,
      start: this.startOf(page),
      objects: objectsOf(counters),
      used: inuseOf(counters),
      freelist: this.memory.readOnce(page + Page.freelist),
      flags: this.memory.readOnce(page + Page.flags),
      node: pages.pageToNid(page),
      order: pages.compoundOrder(page),
    };
  }

  private startOf(page: PagePtr): Address {
    return this.context.pages.pageAddress(page);
  }
}
