/** Runs the program as a user runs it. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

export const program = fileURLToPath(new URL("../../bin/slablab.js", import.meta.url));

export interface Answer {
  readonly out: string;
  readonly err: string;
  readonly code: number | null;
}

/** The program at work, for a test that talks to it. */
export function started(args: string[]): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, [program, ...args], { stdio: ["pipe", "pipe", "pipe"] });
}

export async function slablab(args: string[], input = ""): Promise<Answer> {
  const child = started(args);
  child.stdin.end(input);
  const [out, err, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close"),
  ]);
  return { out, err, code };
}
