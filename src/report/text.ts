// SPDX-License-Identifier: GPL-2.0-only
/** Text for people: numbers that can be read, aligned columns, and styles where the terminal has them. */
import { styleText } from "node:util";
import Table from "cli-table3";

export type Style = Parameters<typeof styleText>[0];

/** Styled if standard output is a terminal and NO_COLOR is not set. */
export function styled(style: Style, text: string): string {
  return styleText(style, text, { stream: process.stdout });
}

export function heading(text: string): string {
  return `\n${styled("bold", text)}\n`;
}

/** `1,234,567` */
export function count(n: number): string {
  return Math.round(n).toLocaleString("en-US");
}

/** `12.3 %` of the whole; a dash where there is no whole. */
export function share(part: number, whole: number): string {
  return whole === 0 ? "–" : `${((100 * part) / whole).toFixed(1)} %`;
}

/** `4.2 MiB` */
export function size(bytes: number): string {
  if (bytes >= 2 ** 20) return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
  if (bytes >= 2 ** 10) return `${(bytes / 2 ** 10).toFixed(1)} KiB`;
  return `${bytes} B`;
}

const NO_LINES = {
  top: "",
  "top-mid": "",
  "top-left": "",
  "top-right": "",
  bottom: "",
  "bottom-mid": "",
  "bottom-left": "",
  "bottom-right": "",
  left: "",
  "left-mid": "",
  mid: "",
  "mid-mid": "",
  right: "",
  "right-mid": "",
  middle: "",
};

/** Rows under their heads, without lines: the first column to the left, the others to the right. */
export function columns(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const table = new Table({
    head: [...heads],
    chars: NO_LINES,
    colAligns: heads.map((_, column) => (column === 0 ? "left" : "right")),
    style: { head: [], border: [], "padding-left": 2, "padding-right": 0 },
  });
  for (const row of rows) table.push([...row]);
  const [head = "", ...lines] = table.toString().split("\n");
  const body = lines.map((line) => `${line.trimEnd()}\n`).join("");
  return `${styled("dim", head.trimEnd())}\n${body}`;
}

/** `name  value  remark` lines with the values to the right. */
export function facts(rows: readonly (readonly [string, string, string?])[]): string {
  const names = Math.max(...rows.map(([name]) => name.length));
  const values = Math.max(...rows.map(([, value]) => value.length));
  return rows
    .map(([name, value, remark = ""]) =>
      `  ${name.padEnd(names)}  ${value.padStart(values)}  ${styled("dim", remark)}`.trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join("");
}

/** Words as a command line, with quotes around those that a shell would take apart. */
export function commandLine(words: readonly (string | number)[]): string {
  return words
    .map(String)
    .map((word) =>
      /^(?!~)[\w@%+=:,./~-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`,
    )
    .join(" ");
}
