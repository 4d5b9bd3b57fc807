// SPDX-License-Identifier: GPL-2.0-only
/** Where the code of a bundle comes from, as the map beside it says. */
import { existsSync, readFileSync } from "node:fs";
import { SourceMap } from "node:module";
import { fileURLToPath } from "node:url";

/** Lines and columns count from 1. */
export interface Position {
  readonly url: string;
  readonly line: number;
  readonly column: number;
}

/** By the bundle's address; undefined: the file has no map. Read when the first stack is. */
const maps = new Map<string, SourceMap | undefined>();

function mapOf(url: string): SourceMap | undefined {
  if (!maps.has(url)) maps.set(url, readMap(url));
  return maps.get(url);
}

function readMap(url: string): SourceMap | undefined {
  if (!url.startsWith("file:") || !url.endsWith(".mjs")) return undefined;
  const file = `${fileURLToPath(url)}.map`;
  return existsSync(file) ? new SourceMap(JSON.parse(readFileSync(file, "utf8"))) : undefined;
}

/** The position itself, where it lies in no bundle. */
export function originalPosition(position: Position): Position {
  const { url, line, column } = position;
  const entry = mapOf(url)?.findEntry(line - 1, column - 1);
  if (entry === undefined || !("originalSource" in entry)) return position;
  const { originalSource, originalLine, originalColumn } = entry;
  const original = new URL(originalSource, url).href;
  return { url: original, line: originalLine + 1, column: originalColumn + 1 };
}

/** No code is indented further. */
const INDENTED = 100;

/** Of the first code in a line. */
export function originalOfLine(url: string, line: number): Position {
  const map = mapOf(url);
  let column = 0;
  const isBefore = (): boolean => {
    const entry = map?.findEntry(line - 1, column);
    return entry !== undefined && "generatedLine" in entry && entry.generatedLine < line - 1;
  };
  while (column < INDENTED && isBefore()) column++;
  return originalPosition({ url, line, column: column + 1 });
}
