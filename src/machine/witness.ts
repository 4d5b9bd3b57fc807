// SPDX-License-Identifier: MIT
/**
 * What a debug report can say about the world outside the machine: who called, and when. Only a
 * track of a debug cache asks. By default nothing is known, so that a run which must repeat itself
 * repeats itself; a thread that serves people installs `javaScriptWitness`.
 */
import { StackError } from "./platform.ts";

export interface Witness {
  /** The calling functions, innermost first, at most MAX_FRAMES. */
  stack(): readonly string[];
  /** Milliseconds, modulo 2^32; only differences mean anything. */
  milliseconds(): number;
}

/** Frames of one stack that are kept (TRACK_ADDRS_COUNT). */
export const MAX_FRAMES = 16;

/** Frames that are looked at: the first dozen are the allocator's own and are left out. */
const CAPTURED_FRAMES = 28;
/** Stack texts whose frames are remembered: reading one costs as much as capturing it. */
const REMEMBERED = 1000;

export const noWitness: Witness = { stack: () => [], milliseconds: () => 0 };

export const javaScriptWitness: Witness = {
  stack: () => rememberedCallers(captureStack()),
  milliseconds: () => Date.now() | 0,
};

/** The folder above this one, as a stack that begins in this file names it. */
function libraryPath(): string {
  const [, folder = ""] = /([^\s(@]*\/)[^/]*\/[^/]*:\d+:\d+/.exec(captureStack()) ?? [];
  return pathOf(folder);
}

let library: string | undefined;

const remembered = new Map<string, readonly string[]>();

function rememberedCallers(stack: string): readonly string[] {
  const known = remembered.get(stack);
  if (known !== undefined) return known;
  if (remembered.size === REMEMBERED) remembered.clear();
  library ??= libraryPath();
  const callers = callersOf(stack, library);
  remembered.set(stack, callers);
  return callers;
}

function captureStack(): string {
  const before = StackError.stackTraceLimit;
  StackError.stackTraceLimit = CAPTURED_FRAMES;
  const { stack = "" } = new Error();
  StackError.stackTraceLimit = before;
  return stack;
}

/**
 * The frames of a stack text (V8's or SpiderMonkey's) that lie outside of `library` and of the
 * runtime; all of them where there are none. One reads `name (folder/file.ts:line:column)`.
 */
export function callersOf(stack: string, library: string): string[] {
  const all: string[] = [];
  const outside: string[] = [];
  for (const line of stack.split("\n")) {
    const found =
      /^\s*at (?:(.*?) \()?(.+?):(\d+):(\d+)\)?$/.exec(line) ??
      /^(.*?)@(.+?):(\d+):(\d+)$/.exec(line);
    if (found === null) continue;
    const [, name, url = "", row, column] = found;
    const path = pathOf(url);
    const file = path.split("/").slice(-2).join("/");
    const frame = `${name || "<anonymous>"} (${file}:${row}:${column})`;
    all.push(frame);
    if (!path.startsWith(library) && !path.startsWith("node:")) outside.push(frame);
  }
  return (outside.length > 0 ? outside : all).slice(0, MAX_FRAMES);
}

function pathOf(url: string): string {
  return url.replace(/^file:\/\//, "");
}
