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
export function started(
  args: string[],
  nodeOptions: string[] = [],
): ChildProcessWithoutNullStreams {
  const words = [...nodeOptions, program, ...args];
  return spawn(process.execPath, words, { stdio: ["pipe", "pipe", "pipe"] });
}

/** The progress line is for terminals. */
const TERMINAL = ["--import", "data:text/javascript,process.stderr.isTTY=true"];

/** Sends Ctrl-C as soon as the progress line says `when`, and returns the rest. */
export async function interruptedAt(when: RegExp, args: string[]): Promise<Answer> {
  const child = started(args, TERMINAL);
  child.stdin.end();
  let err = "";
  let isSent = false;
  child.stderr.setEncoding("utf8").on("data", (part: string) => {
    err += part;
    if (!isSent && when.test(err)) isSent = child.kill("SIGINT");
  });
  const [out, [code]] = await Promise.all([text(child.stdout), once(child, "close")]);
  return { out, err, code };
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
