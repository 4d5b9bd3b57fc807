// SPDX-License-Identifier: MIT
/**
 * What a debug report can say about the world outside the machine: the calling functions, and when.
 * Only a track of a debug cache asks. By default nothing is known, so that a run is repeatable; a
 * thread that serves people installs `javaScriptWitness`.
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
  stack: () => rememberedCallers(captureStack(CAPTURED_FRAMES)()),
  milliseconds: () => Date.now() | 0,
};

/** The files that stand between a lock and the stack of its taking. */
const CHECKS = /\/machine\/(witness|held-locks|tortured-memory)\.[jt]s(\?|$)/;

/** The folder above this one, as a stack that begins in this file names it. */
function libraryPath(): string {
  const stack = captureStack(CAPTURED_FRAMES)();
  const [, folder = ""] = /([^\s(@]*\/)[^/]*\/[^/]*:\d+:\d+/.exec(stack) ?? [];
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

/** The stack text of the caller, made when it is read: capturing alone costs little. */
function captureStack(frames: number): () => string {
  const before = StackError.stackTraceLimit;
  StackError.stackTraceLimit = frames;
  const captured = new Error();
  StackError.stackTraceLimit = before;
  return () => captured.stack ?? "";
}

/** The calling functions outside of the checking memory, named when they are read. */
export function captureFrames(): () => readonly string[] {
  const stack = captureStack(MAX_FRAMES);
  return () =>
    framesOf(stack())
      .filter(({ path }) => !CHECKS.test(path))
      .map(({ text }) => text);
}

interface StackFrame {
  readonly path: string;
  /** `name (folder/file.ts:line:column)` */
  readonly text: string;
}

/** The frames of a stack text, V8's or SpiderMonkey's. */
function framesOf(stack: string): StackFrame[] {
  const frames: StackFrame[] = [];
  for (const line of stack.split("\n")) {
    const found =
      /^\s*at (?:(.*?) \()?(.+?):(\d+):(\d+)\)?$/.exec(line) ??
      /^(.*?)@(.+?):(\d+):(\d+)$/.exec(line);
    if (found === null) continue;
    const [, name, url = "", row, column] = found;
    const path = pathOf(url);
    const file = path.split("/").slice(-2).join("/");
    frames.push({ path, text: `${name || "<anonymous>"} (${file}:${row}:${column})` });
  }
  return frames;
}

/**
 * The frames of a stack text that lie outside of `library` and of the runtime; all of them where
 * there are none. One reads `name (folder/file.ts:line:column)`.
 */
export function callersOf(stack: string, library: string): string[] {
  const all = framesOf(stack);
  const outside = all.filter(({ path }) => !path.startsWith(library) && !path.startsWith("node:"));
  return (outside.length > 0 ? outside : all).slice(0, MAX_FRAMES).map(({ text }) => text);
}

function pathOf(url: string): string {
  return url.replace(/^file:\/\//, "");
}
