/** Runs commands, in this process or, where the process is what is tested, as a user does. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { vi } from "vitest";
import { run } from "../../src/cli/program.ts";
import { bundledProgram } from "../bundled.ts";

/** As a user of a checkout starts it. */
export const checkout = fileURLToPath(new URL("../../bin/slablab.js", import.meta.url));

/** The same in one file, which starts in half the time; stacks name lines of that file. */
export const program = await bundledProgram(new URL("../../src/cli/main.ts", import.meta.url));

export interface Answer {
  readonly out: string;
  readonly err: string;
  readonly code: number | null;
}

/** Runs a command in this process; `hear` is told all that standard error has got so far. */
export async function slablab(words: string[], hear?: (err: string) => void): Promise<Answer> {
  const said = { out: "", err: "" };
  const catches = (stream: keyof typeof said) => (part: unknown) => {
    said[stream] += part;
    if (stream === "err") hear?.(said.err);
    return true;
  };
  const spies = [
    vi.spyOn(process.stdout, "write").mockImplementation(catches("out")),
    vi.spyOn(process.stderr, "write").mockImplementation(catches("err")),
    vi.spyOn(console, "error").mockImplementation((line) => catches("err")(`${line}\n`)),
  ];
  try {
    await run(words);
    return { ...said, code: Number(process.exitCode ?? 0) };
  } finally {
    for (const spy of spies) spy.mockRestore();
    process.exitCode = undefined;
  }
}

/** Runs a command in this process, and presses Ctrl-C as soon as the progress line says `when`. */
export async function interruptedAt(when: RegExp, words: string[]): Promise<Answer> {
  const { isTTY } = process.stderr;
  // The progress line is for terminals.
  process.stderr.isTTY = true;
  let isPressed = false;
  try {
    return await slablab(words, (err) => {
      if (isPressed || !when.test(err)) return;
      isPressed = true;
      process.emit("SIGINT");
    });
  } finally {
    process.stderr.isTTY = isTTY;
  }
}

/** The program at work as a process of its own. */
export function started(
  words: string[],
  nodeOptions: string[] = [],
  from: string = program,
): ChildProcessWithoutNullStreams {
  const all = [...nodeOptions, from, ...words];
  return spawn(process.execPath, all, { stdio: ["pipe", "pipe", "pipe"] });
}

/** Runs a command as a process of its own, to its end. */
export async function processOf(words: string[], input = "", from = program): Promise<Answer> {
  const child = started(words, [], from);
  child.stdin.end(input);
  const [out, err, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close"),
  ]);
  return { out, err, code };
}
