// SPDX-License-Identifier: GPL-2.0-only
/**
 * The lines of a report, as each kernel prints them: the BUG line in its frame, the tracks, the slab
 * and the object, a hex dump of the memory around. Reports says in which order they come.
 */

import { hexRow } from "../../caches/hex-row.ts";
import { type KernelVersion, since } from "../../caches/kernel-version.ts";
import { digits, pointerText } from "../../caches/pointer-text.ts";
import type {
  Section,
  SlabReport,
  SlabState,
  Track,
  WrongBytes,
} from "../../caches/slab-report.ts";
import type { Address } from "../../machine/memory.ts";
import { pageFlagsText } from "./page-flags-text.ts";
import { siteOf } from "./tracks.ts";

const RULE_WIDTH = 77;
const BYTES_A_ROW = 16;

export function hex(value: number): string {
  return `0x${(value >>> 0).toString(16)}`;
}

export class ReportText {
  declare readonly kernel: KernelVersion;
  /** Before each line that informs; the prefix went, and offsets came, between 5.10 and 5.15. */
  declare private readonly info: "INFO: " | "";
  declare private readonly isLater: boolean;

  constructor(kernel: KernelVersion) {
    this.kernel = kernel;
    this.isLater = since(kernel, "5.15");
    this.info = this.isLater ? "" : "INFO: ";
  }

  pointer(address: Address): string {
    return pointerText(this.kernel, address);
  }

  /** slab_bug. `taint`: what had happened before. */
  header(cache: string, taint: string, message: string): string[] {
    const frame = (line: string) => line.repeat(RULE_WIDTH);
    return [frame("="), `BUG ${cache} (${taint}): ${message}`, frame("-"), ""];
  }

  /** The wrong bytes, in the words of check_bytes_and_report. */
  wrong({ first, last, found, expected }: WrongBytes, start: Address): string {
    const at = this.isLater ? ` @offset=${first - start}` : "";
    return `${this.info}${this.pointer(first)}-${this.pointer(last)}${at}. First byte ${hex(found)} instead of ${hex(expected)}`;
  }

  /** print_trailer without its stack: the tracks, the slab, the object and the bytes around. */
  trailer(report: SlabReport, object: Address): string[] {
    const { slab, freePointer = 0 } = report;
    return [
      ...this.tracks(report),
      this.slab(slab),
      `${this.object(object, slab.start)} fp=${this.pointer(freePointer)}`,
      "",
      ...this.sections(report.sections, this.isLater ? 9 : 0),
    ];
  }

  object(object: Address, start: Address): string {
    return `${this.info}Object ${this.pointer(object)} @offset=${object - start}`;
  }

  /** print_page_info, print_slab_info */
  slab(slab: SlabState): string {
    const { page, objects, used, freelist } = slab;
    return `${this.info}Slab ${this.pointer(page)} objects=${objects} used=${used} fp=${this.pointer(freelist)} flags=${pageFlagsText(this.kernel, slab)}`;
  }

  /** print_tracking */
  tracks({ allocated, freed }: Pick<SlabReport, "allocated" | "freed">): string[] {
    return [...this.track("Allocated", allocated), ...this.track("Freed", freed)];
  }

  private track(what: string, track: Track | undefined): string[] {
    if (track === undefined) return [];
    const { age, cpu, task, stack } = track;
    const line = `${this.info}${what} in ${siteOf(track)} age=${age} cpu=${cpu} pid=${task}`;
    if (!this.isLater) return [line, ...stack.map((frame) => `\t${frame}`)];
    if (stack.length === 0) return [line, "object allocation/free stack trace missing"];
    return [line, ...stack.map((frame) => ` ${frame}`)];
  }

  /** Hex dumps, the label in front of each row at least `width` characters wide. */
  sections(sections: readonly Section[], width = 0): string[] {
    return sections.flatMap(({ name, at, bytes }) => hexDump(name.padEnd(width - 1), at, bytes));
  }
}

/** print_hex_dump with addresses: sixteen bytes a row, and what they are as characters. */
function hexDump(label: string, at: Address, bytes: readonly number[]): string[] {
  const lines: string[] = [];
  for (let row = 0; row < bytes.length; row += BYTES_A_ROW) {
    lines.push(`${label} ${digits(at + row)}: ${hexRow(bytes.slice(row, row + BYTES_A_ROW))}`);
  }
  return lines;
}
