// SPDX-License-Identifier: MIT
/** Stacks: where in the code under test an access was made. Capturing one is slow: only for replays. */

// Typed here: neither Node's types are needed nor is Node itself.
const StackError = Error as ErrorConstructor & { stackTraceLimit: number };
const { process } = globalThis as { process?: { cwd?(): string } };

export interface Frame {
  readonly function: string;
  /** Relative to the working directory if it lies below that. */
  readonly file: string;
  readonly line: number;
}

/** `function file:line`, or `file:line` for a function without a name. */
export function placeText({ function: name, file, line }: Frame): string {
  return `${name} ${file}:${line}`.trimStart();
}

/** A file's path, or that of an address in a page. */
const FRAME =
  /^ *at (?:(?:new |async )?(\S+) .*?\()?(?:file:\/\/|(?:blob:)?https?:\/\/[^/]+)?(\/[^)]*?):(\d+):\d+\)?$/;
const DEEP = 60;

const parsed = new Map<string, Frame | undefined>();

let folder: string | undefined;

/** This folder, as the stack of a call in this file names it. */
function ours(): string {
  if (folder === undefined) {
    const [, line = ""] = (new Error().stack ?? "").split("\n");
    folder = FRAME.exec(line)?.[2]?.replace(/[^/]*$/, "") ?? "/";
  }
  return folder;
}

/** The frame that a line of a stack names; lines repeat, so each is parsed once. */
function frameOf(line: string): Frame | undefined {
  if (parsed.has(line)) return parsed.get(line);
  const match = FRAME.exec(line);
  const path = match?.[2] ?? ours();
  const file = path.replace(`${process?.cwd?.()}/`, "");
  const frame = path.startsWith(ours())
    ? undefined
    : { function: match?.[1] ?? "", file, line: Number(match?.[3]) };
  parsed.set(line, frame);
  return frame;
}

/** The frames of the caller, innermost first, without the explorer's own. */
export function framesHere(): Frame[] {
  const before = StackError.stackTraceLimit;
  StackError.stackTraceLimit = DEEP;
  const lines = (new Error().stack ?? "").split("\n").slice(1);
  StackError.stackTraceLimit = before;
  const frames: Frame[] = [];
  // The engine runs operations: its own callers do not belong to their stacks.
  const engine = `${ours()}engine.`;
  for (const line of lines) {
    if (line.includes(engine)) break;
    const frame = frameOf(line);
    if (frame !== undefined) frames.push(frame);
  }
  return frames;
}
