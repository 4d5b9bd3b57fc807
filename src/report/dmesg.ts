// SPDX-License-Identifier: GPL-2.0-only
/** What the machine's console has printed, below what a command answers. */
import { heading } from "./text.ts";

export function dmesgText(lines: readonly string[]): string {
  const said = lines.length === 0 ? ["the machine said nothing"] : lines;
  return `${heading("Console (dmesg)")}${said.map((line) => `  ${line}`.trimEnd()).join("\n")}\n`;
}
