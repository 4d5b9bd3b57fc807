// SPDX-License-Identifier: GPL-2.0-only
/** `slablab fuzz FILE.ts`: programs made of the calls of those that a module of the user's exports. */
import { dirname, relative, resolve } from "node:path";
import { setImmediate } from "node:timers/promises";
import type { MemoryModel } from "../explore/store-buffers.ts";
import { quoted } from "../machine/quoted.ts";
import { type CallsProgram, type FuzzedProgram, fuzzProgram } from "../museum/program-fuzz.ts";
import { BadModule, programsOf } from "../museum/program-module.ts";
import { failureText } from "../report/exploration.ts";
import { commandLine, count, heading, styled } from "../report/text.ts";
import { type ReportFiles, tellResults } from "./check-results.ts";
import { complain, EXIT, interruptible, ProgressLine } from "./common.ts";
import { jsonDocument } from "./document.ts";
import { writeWhole } from "./files.ts";

export interface Given extends ReportFiles {
  readonly programs?: number;
  readonly seconds?: number;
  readonly preemptions: number;
  readonly memory?: MemoryModel;
  readonly seed: number;
  readonly out?: string;
  readonly json?: true;
  readonly quiet?: true;
}

/** One that fails, and where it comes from. */
interface Failed extends FuzzedProgram {
  readonly exported: string;
  readonly number: number;
}

interface Sum {
  programs: number;
  schedules: number;
  /** Programs that were explored completely to the bound. */
  complete: number;
  seconds: number;
  failed: Failed | undefined;
}

/** @throws BadModule if no export has calls and a sequential object to judge them by. */
export async function fuzzModule(
  path: string,
  given: Given,
  defaultSeconds: number,
): Promise<void> {
  const fuzzable = (await programsOf(path)).flatMap(({ exported, calls }) =>
    calls === undefined ? [] : [{ exported, calls }],
  );
  if (fuzzable.length === 0) {
    throw new BadModule(
      `${quoted(path)} exports nothing to fuzz: a program with object, tasks of calls, and spec`,
    );
  }
  const { programs, seconds = programs === undefined ? defaultSeconds : undefined } = given;
  const ends = performance.now() + (seconds ?? Number.POSITIVE_INFINITY) * 1000;
  const line = new ProgressLine(given.quiet === true);
  const sum: Sum = { programs: 0, schedules: 0, complete: 0, seconds: 0, failed: undefined };
  const { result: interrupted, interruptedCode } = await interruptible(async (signal) => {
    for (let number = 0; number < (programs ?? Number.POSITIVE_INFINITY); number++) {
      if (sum.failed !== undefined || performance.now() > ends) break;
      // Lets a signal come through.
      await setImmediate();
      if (signal.aborted) return true;
      const { exported, calls } = fuzzable[number % fuzzable.length] as (typeof fuzzable)[number];
      add(sum, { ...fuzzProgram(calls as CallsProgram, number, given), exported, number }, given);
      line.show(searchedText(sum));
    }
    return false;
  });
  line.clear();
  show(path, given, sum, interrupted);
  process.exitCode = sum.failed ? EXIT.FOUND : interrupted ? interruptedCode : EXIT.FINE;
}

function add(sum: Sum, program: Failed, { preemptions }: Given): void {
  const { failure, schedules, complete } = program.result;
  sum.programs++;
  sum.schedules += schedules;
  sum.seconds += program.result.cpuSeconds;
  if (complete?.preemptions === preemptions) sum.complete++;
  if (failure !== undefined) sum.failed = program;
}

function searchedText({ programs, schedules }: Sum): string {
  return `${count(programs)} programs, ${count(schedules)} schedules`;
}

function show(path: string, given: Given, sum: Sum, interrupted: boolean): void {
  const { failed, ...counts } = sum;
  const text = failed && moduleText(path, given, failed);
  const file = failed && save(text as string, fileOf(given, failed));
  const failure = failed?.result.failure;
  const again = replayText(file, failure?.token);
  tellResults("fuzz", given, [
    {
      name: path,
      file: path,
      seconds: sum.seconds,
      failure: failure && { class: failure.class, message: failure.message, again },
      unproven: interrupted && failure === undefined ? "interrupted" : undefined,
    },
  ]);
  if (given.json === true) {
    const { json: _json, quiet: _quiet, ...options } = given;
    const found = failure && { ...failure, timeline: undefined, token: failure.token ?? null };
    const program = failed && { number: failed.number, tasks: failed.tasks, file: file ?? null };
    const result = { interrupted, ...counts, failure: found ? { ...program, ...found } : null };
    process.stdout.write(jsonDocument("fuzz", { ...options, module: path }, result));
    return;
  }
  const { preemptions, seed } = given;
  const head = `${searchedText(sum)}\ncompletely explored: ${count(sum.complete)} with at most ${preemptions} preemptions\n`;
  const note = interrupted
    ? `${styled("yellow", "interrupted: this is what was done so far")}\n`
    : "";
  const answer =
    failed === undefined || failure === undefined
      ? `${styled("green", "no program fails")}, which proves nothing beyond these\n`
      : `${heading(`Program ${failed.number}`)}${text}${failureText(failure, false)}\n${again}`;
  process.stdout.write(`${head}${note}${answer}seed ${seed}\n`);
}

function replayText(file: string | undefined, token = ""): string {
  const saved = file === undefined ? "" : `saved as ${file}\n`;
  return `${saved}replay: ${commandLine(["slablab", "replay", file ?? "FILE", token])}\n`;
}

const fileOf = ({ out }: Given, { name }: Failed): string => out ?? `${name}.explore.ts`;

/** A module beside the user's that `explore` and `replay` take. */
function moduleText(path: string, given: Given, failed: Failed): string {
  const { exported, name, tasks } = failed;
  const from = relative(dirname(resolve(fileOf(given, failed))), resolve(path)).replaceAll(
    "\\",
    "/",
  );
  const specifier = JSON.stringify(from.startsWith(".") ? from : `./${from}`);
  const imported = exported === "default" ? "program" : `{ ${exported} as program }`;
  const lists = Object.entries(tasks).map(
    ([task, calls]) => `    ${JSON.stringify(task)}: ${JSON.stringify(calls)},\n`,
  );
  const memory = given.memory === undefined ? "" : `  memory: ${JSON.stringify(given.memory)},\n`;
  const head = `import ${imported} from ${specifier};\n\nexport const fuzzed = {\n  ...program,\n`;
  const own = `  name: ${JSON.stringify(name)},\n${memory}  check: undefined,\n  tasks: {\n`;
  return `${head}${own}${lists.join("")}  },\n};\n`;
}

/** undefined where it cannot be written, which is said. */
function save(text: string, file: string): string | undefined {
  try {
    writeWhole(file, text);
    return file;
  } catch (error) {
    complain(`the program is not saved: ${(error as Error).message}`);
    return undefined;
  }
}
