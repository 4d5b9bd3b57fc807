/** What a command of slablab says of a mutant, in a process of its own. */
import { execFile } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { BUNDLE } from "../../workers/thread-module.ts";
import type { Mutant } from "./mutants.ts";

const preload = new URL("./mutate.ts", import.meta.url).href;
const program = fileURLToPath(new URL("../../bin/slablab-cli.js", import.meta.url));

interface Answer {
  readonly failure: { readonly class: string } | null;
  readonly cpuSeconds: number;
}

// A bundle has none of the edits that are made while modules load.
const { [BUNDLE]: _, ...environment } = process.env;

/** `words`: `fuzz` or `explore all`, with limits. */
export function answerFor(
  { name, allocator, kernel }: Mutant,
  words: readonly string[],
): Promise<Answer> {
  const args = [
    ...words,
    "--allocator",
    allocator,
    "--kernel",
    kernel,
    "--seed",
    "1",
    "--json",
    "--quiet",
  ];
  const options = {
    env: { ...environment, SLABLAB_MUTANT: name },
    // A failing program is saved where the command runs.
    cwd: mkdtempSync(join(tmpdir(), "slablab-")),
    maxBuffer: 2 ** 26,
  };
  return new Promise((resolve, reject) => {
    const command = ["--import", preload, program, ...args];
    execFile(process.execPath, command, options, (error, stdout, stderr) => {
      // Exit code 1: a failure was found.
      if (error !== null && error.code !== 1) reject(new Error(`${error.message}\n${stderr}`));
      else resolve(JSON.parse(stdout) as Answer);
    });
  });
}
