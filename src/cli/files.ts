// SPDX-License-Identifier: GPL-2.0-only
/** Files that the user names: read whole, or written whole. */
import { appendFileSync, existsSync, lstatSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { buffer, text } from "node:stream/consumers";
import { gunzipSync } from "node:zlib";
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
    throw unreadable(file, error);
  }
}

/** The bytes of a file, or of standard input for `-`; unpacked, if gzip packed them. @throws UnreadableFile */
export async function readBytes(file: string): Promise<Uint8Array> {
  try {
    const content = file === "-" ? await buffer(process.stdin) : await readFile(file);
    return content[0] === 0x1f && content[1] === 0x8b ? gunzipSync(content) : content;
  } catch (error) {
    throw unreadable(file, error);
  }
}

function unreadable(file: string, error: unknown): UnreadableFile {
  const name = file === "-" ? "standard input" : quoted(file);
  const why = quoted((error as Error).message);
  return new UnreadableFile(`cannot read ${name}: ${why}`, { cause: error });
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

/** Throws where the file cannot be written, and leaves what is there. */
export function tryFile(file: string): void {
  const isThere = existsSync(file);
  appendFileSync(file, "");
  if (!isThere) rmSync(file);
}
