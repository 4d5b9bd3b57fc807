// SPDX-License-Identifier: GPL-2.0-only
/**
 * A report as the kernel prints it: the BUG line in its frame, INFO lines, a hex dump of the memory
 * around with carets under the wrong bytes. FIX lines follow as they happen.
 */
import { type KernelVersion, since } from "../../caches/kernel-version.ts";
import type { Section, SlabReport, Track, WrongBytes } from "../../caches/slab-report.ts";
import type { Address } from "../../machine/memory.ts";
import { siteOf } from "./tracks.ts";

const RULE_WIDTH = 77;
const BYTES_A_ROW = 16;

export function hex(value: number): string {
  return `0x${(value >>> 0).toString(16)}`;
}

/** What differs between kernels. */
export interface ReportStyle {
  /** Before each line that informs. */
  readonly info: "INFO: " | "";
  /** Whether wrong bytes are told by their offset in the slab, too. */
  readonly tellsOffset: boolean;
}

/** The prefix went, and the offset came, between 5.10 and 5.15. */
export function reportStyle(kernel: KernelVersion): ReportStyle {
  return since(kernel, "5.15")
    ? { info: "", tellsOffset: true }
    : { info: "INFO: ", tellsOffset: false };
}

export function fixText(cache: string, message: string): string {
  return `FIX ${cache}: ${message}`;
}

export function reportText(report: SlabReport, style: ReportStyle): string[] {
  const { slab, object, wrong } = report;
  const lines = [
    "=".repeat(RULE_WIDTH),
    `BUG ${report.cache}: ${report.message}`,
    "-".repeat(RULE_WIDTH),
    "",
  ];
  if (wrong !== undefined) lines.push(wrongText(wrong, slab.start, style));
  lines.push(
    ...trackText("Allocated", report.allocated, style),
    ...trackText("Freed", report.freed, style),
    `${style.info}Slab ${hex(slab.page)} objects=${slab.objects} used=${slab.used} fp=${hex(slab.freelist)} flags=${hex(slab.flags)}`,
  );
  if (object !== undefined) {
    lines.push(objectText(object, slab.start, style));
  }
  lines.push("");
  for (const part of report.sections) lines.push(...dump(part, wrong));
  return lines;
}

export function objectText(object: Address, start: Address, { info }: ReportStyle): string {
  return `${info}Object ${hex(object)} @offset=${object - start}`;
}

function wrongText(
  { first, last, found, expected }: WrongBytes,
  start: Address,
  { info, tellsOffset }: ReportStyle,
): string {
  const offset = tellsOffset ? ` @offset=${first - start}` : "";
  return `${info}${hex(first)}-${hex(last)}${offset}. First byte ${hex(found)} instead of ${hex(expected)}`;
}

/** print_track */
export function trackText(what: string, track: Track | undefined, { info }: ReportStyle): string[] {
  if (track === undefined) return [];
  return [
    `${info}${what} in ${siteOf(track)} age=${track.age} cpu=${track.cpu} pid=${track.task}`,
    ...track.stack.map((frame) => `\t${frame}`),
  ];
}

/** print_hex_dump, 16 bytes a row, and a row of carets where some of them are wrong. */
function dump({ name, at, bytes }: Section, wrong: WrongBytes | undefined): string[] {
  const lines: string[] = [];
  for (let row = 0; row < bytes.length; row += BYTES_A_ROW) {
    const shown = bytes.slice(row, row + BYTES_A_ROW);
    const label = `${name.padEnd(8)} ${(at + row).toString(16).padStart(8, "0")}: `;
    const cells = shown.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    lines.push(`${label}${cells.padEnd(BYTES_A_ROW * 3)} ${shown.map(printable).join("")}`);
    if (wrong === undefined) continue;
    const marks = shown.map((byte, i) => (isWrong(at + row + i, byte, wrong) ? "^^" : "  "));
    const marked = marks.join(" ").trimEnd();
    if (marked !== "") lines.push(" ".repeat(label.length) + marked);
  }
  return lines;
}

/** Some bytes between the first and the last wrong one may be right. */
function isWrong(at: number, byte: number, wrong: WrongBytes): boolean {
  return at >= wrong.first && at <= wrong.last && byte !== wrong.expected;
}

function printable(byte: number): string {
  return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : ".";
}
