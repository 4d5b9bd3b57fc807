// SPDX-License-Identifier: GPL-2.0-only
/** Lines of the source, for pages that show a schedule. */
import { existsSync, readFileSync } from "node:fs";
import type { Frame } from "../explore/stack.ts";

/** Reads the lines that frames name; a file that is not there has none. */
export function sourceLines(): (frame: Frame) => string | undefined {
  const files = new Map<string, string[]>();
  return ({ file, line }) => {
    const lines =
      files.get(file) ?? (existsSync(file) ? readFileSync(file, "utf8").split("\n") : []);
    files.set(file, lines);
    return lines[line - 1];
  };
}
