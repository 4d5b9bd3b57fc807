// SPDX-License-Identifier: GPL-2.0-only
/**
 * Where the code of a bundle comes from. A source map takes a tenth of a second to read, in each
 * thread that shows a stack; the file beside the bundle says the same of each line apart.
 */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Lines and columns count from 1. */
export interface Position {
  readonly url: string;
  readonly line: number;
  readonly column: number;
}

/** What a file of the bundle is made of. */
export interface Origins {
  /** Relative to the file. */
  readonly sources: readonly string[];
  /** Of each line `column,source,line,column;…`, in the order of the columns, all from 0. */
  readonly lines: readonly string[];
}

/** By the file's address; undefined: it is of no bundle. Read when the first stack is. */
const read = new Map<string, Origins | undefined>();

function originsOf(url: string): Origins | undefined {
  if (!read.has(url)) read.set(url, readOrigins(url));
  return read.get(url);
}

function readOrigins(url: string): Origins | undefined {
  if (!url.startsWith("file:") || !url.endsWith(".mjs")) return undefined;
  const file = `${fileURLToPath(url)}.json`;
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined;
}

/**
 * Where the code at a position comes from; without a column, the first code of that line. Undefined:
 * the file is of no bundle.
 */
export function originalPosition(url: string, line: number, column = 0): Position | undefined {
  const origins = originsOf(url);
  const segments = (origins?.lines[line - 1] ?? "").split(";").map((text) => text.split(","));
  const [from] = segments;
  const [, source = "", ...place] = segments.findLast(([at]) => Number(at) < column) ?? from ?? [];
  const path = origins?.sources[Number(source)];
  if (source === "" || path === undefined) return undefined;
  const [originalLine, originalColumn] = place.map((text) => Number(text) + 1);
  return {
    url: new URL(path, url).href,
    line: originalLine as number,
    column: originalColumn as number,
  };
}
