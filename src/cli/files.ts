// SPDX-License-Identifier: GPL-2.0-only
/** Files that the user names: read whole, or written whole. */
import { existsSync, lstatSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { text } from "node:stream/consumers";
import { quoted } from "../machine/quoted.ts";

/** The file cannot be read; the message is for the user. */
export class UnreadableFile extends Error {
  override name = "UnreadableFile";
}

/** The text of a file, or of standard input for `-`, however slowly it comes. @throws UnreadableFile */
export async function readText(file: string): Promise<string> {
  try {
    return file === "-" ? await text(process.stdin) : await readFile(file, "utf8");
  } catch (error) {
    const name = file === "-" ? "standard input" : quoted(file);
    const why = quoted((error as Error).message);
    throw new UnreadableFile(`cannot read ${name}: ${why}`, { cause: error });
  }
}

/** Makes a directory and those above it. In /proc Node's own recursive way never ends. */
export function makeDirectory(directory: string): void {
  if (existsSync(directory)) return;
  makeDirectory(dirname(directory));
  mkdirSync(directory);
}

/** Writes a file, or throws and leaves none: half a page looks like a page. */
export function writeWhole(file: string, content: string): void {
  try {
    writeFileSync(file, content);
  } catch (error) {
    if (lstatSync(file, { throwIfNoEntry: false })?.isFile()) rmSync(file, { force: true });
    throw error;
  }
}
