// SPDX-License-Identifier: MIT
/** The last lines that consoles have printed, as dmesg shows them. */
import type { ConsoleSink } from "./console.ts";

export interface DmesgLine {
  /** Milliseconds; only their order means anything. */
  readonly at: number;
  readonly line: string;
}

/** Lines that are kept of one thread. */
const KEPT_LINES = 1000;

export class Dmesg {
  private kept: DmesgLine[] = [];

  /** Hears one console. */
  readonly sink: ConsoleSink = (line) => {
    this.kept.push({ at: Date.now(), line });
    if (this.kept.length >= 2 * KEPT_LINES) this.kept = this.kept.slice(-KEPT_LINES);
  };

  get lines(): readonly DmesgLine[] {
    return this.kept.slice(-KEPT_LINES);
  }
}

/** The lines of several threads in the order in which they were printed. */
export function merged(threads: readonly (readonly DmesgLine[])[]): string[] {
  return threads
    .flat()
    .sort((a, b) => a.at - b.at)
    .map(({ line }) => line);
}
