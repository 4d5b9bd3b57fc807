// SPDX-License-Identifier: GPL-2.0-only
/** `slablab fuzz FILE.ts`: programs made of the calls of those that a module of the user's exports. */
import { dirname, relative, resolve } from "node:path";
import type { MemoryModel } from "../explore/store-buffers.ts";
import {
  type CallsProgress,
  type CallsResult,
  type FailingProgram,
  fuzzableOf,
} from "../museum/module-fuzz.ts";
import { type CallsPlan, counted, type Slice } from "../museum/plan.ts";
import { failureText } from "../report/exploration.ts";
import { commandLine, count, heading, styled } from "../report/text.ts";
import { answerOf, seedLine } from "./answer.ts";
import { type ReportFiles, tellResults } from "./check-results.ts";
import { complain, EXIT, interruptible, ProgressLine } from "./common.ts";
import { jsonDocument } from "./document.ts";
import { writeWhole } from "./files.ts";
import { explorersOf } from "./queue.ts";
import { runShard } from "./shard.ts";

export interface Given extends ReportFiles {
  readonly programs?: number;
  readonly seconds?: number;
  readonly preemptions: number;
  readonly memory?: MemoryModel;
  readonly seed: number;
  readonly out?: string;
  readonly shard?: Slice;
  readonly queue?: string;
  readonly json?: true;
  readonly quiet?: true;
}

/** Fuzzes a module, or one shard of that. @throws BadModule if it exports nothing to fuzz. */
export async function fuzzModule(
  path: string,
  given: Given,
  defaultSeconds: number,
): Promise<void> {
  await fuzzableOf(path);
  const { seed, preemptions, memory, programs, shard } = given;
  const seconds = given.seconds ?? (programs === undefined ? defaultSeconds : undefined);
  const plan = { kind: "calls", path, seed, preemptions, memory, programs, seconds } as const;
  if (shard === undefined) await run(plan, given);
  else await runShard({ command: "fuzz", options: optionsOf(given), plan }, given, shard);
}

async function run(plan: CallsPlan, given: Given): Promise<void> {
  const line = new ProgressLine(given.quiet === true);
  const explorers = await explorersOf(given);
  const soFar = new Map<number, CallsResult>();
  explorers.onCallsProgress(({ shard, ...progress }) => {
    soFar.set(shard, { ...progress, failure: undefined });
    line.show(searchedText(sumOf([...soFar.values()])));
  });
  try {
    const { result, interruptedCode } = await interruptible(async (signal) => {
      try {
        return { interrupted: false, answers: await explorers.fuzzCalls(plan, signal) };
      } catch (error) {
        if (signal.aborted) return { interrupted: true, answers: [...soFar.values()] };
        throw error;
      }
    });
    line.clear();
    showCalls(plan, given, result);
    if (result.interrupted) process.exitCode = interruptedCode;
  } finally {
    line.clear();
    await explorers.close();
  }
}

function sumOf(answers: readonly CallsResult[]): CallsProgress {
  const add = (of: (answer: CallsResult) => number): number =>
    answers.reduce((sum, answer) => sum + of(answer), 0);
  return {
    programs: add(({ programs }) => programs),
    schedules: add(({ schedules }) => schedules),
    complete: add(({ complete }) => complete),
    cpuSeconds: add(({ cpuSeconds }) => cpuSeconds),
  };
}

function searchedText({ programs, schedules }: CallsProgress): string {
  return `${count(programs)} programs, ${count(schedules)} schedules`;
}

interface Fuzzed {
  readonly interrupted: boolean;
  /** Of the jobs of the plan, as far as they have any. */
  readonly answers: readonly (CallsResult | undefined)[];
}

export function showCalls(plan: CallsPlan, given: Given, { interrupted, answers }: Fuzzed): void {
  const those = counted(answers);
  const sum = sumOf(those);
  const failed = those.at(-1)?.failure;
  const digest = interrupted ? null : answerOf(plan, those);
  const { path, preemptions, seed } = plan;
  const text = failed && moduleText(path, given, failed);
  const file = failed && save(text as string, fileOf(given, failed));
  const failure = failed?.result.failure;
  const again = replayText(file, failure?.token);
  process.exitCode = failed ? EXIT.FOUND : EXIT.FINE;
  tellResults("fuzz", given, [
    {
      name: path,
      file: path,
      seconds: sum.cpuSeconds,
      failure: failure && { class: failure.class, message: failure.message, again },
      unproven: interrupted && failure === undefined ? "interrupted" : undefined,
    },
  ]);
  if (given.json === true) {
    const found = failure && { ...failure, timeline: undefined, token: failure.token ?? null };
    const program = failed && { number: failed.number, tasks: failed.tasks, file: file ?? null };
    const one = found ? { ...program, ...found } : null;
    const result = { interrupted, ...sum, failure: one, answer: digest };
    process.stdout.write(jsonDocument("fuzz", { ...optionsOf(given), module: path }, result));
    return;
  }
  const head = `${searchedText(sum)}\ncompletely explored: ${count(sum.complete)} with at most ${preemptions} preemptions\n`;
  const note = interrupted
    ? `${styled("yellow", "interrupted: this is what was done so far")}\n`
    : "";
  const answer =
    failed === undefined || failure === undefined
      ? `${styled("green", "no program fails")}, which proves nothing beyond these\n`
      : `${heading(`Program ${failed.number}`)}${text}${failureText(failure, false)}\n${again}`;
  process.stdout.write(`${head}${note}${answer}${seedLine(seed, digest)}`);
}

function optionsOf(given: Given): Record<string, unknown> {
  const { json: _json, quiet: _quiet, shard: _shard, queue: _queue, ...rest } = given;
  const { junit: _junit, ...options } = rest;
  return options;
}

function replayText(file: string | undefined, token = ""): string {
  const saved = file === undefined ? "" : `saved as ${file}\n`;
  return `${saved}replay: ${commandLine(["slablab", "replay", file ?? "FILE", token])}\n`;
}

const fileOf = ({ out }: Given, { name }: FailingProgram): string => out ?? `${name}.explore.ts`;

/** A module beside the user's that `explore` and `replay` take. */
function moduleText(path: string, given: Given, failed: FailingProgram): string {
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
