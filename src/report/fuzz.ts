// SPDX-License-Identifier: GPL-2.0-only
/** What a search over programs has found, as text. */
import type { FuzzFailure, FuzzProgress } from "../laboratory/fuzz/fuzz.ts";
import { printScenario } from "../laboratory/print.ts";
import { failureText } from "./exploration.ts";
import { commandLine, count, heading, styled } from "./text.ts";

/** Of all shards together; pairs are those of the shard that met most, since shards share many. */
export function sumOf(shards: readonly (FuzzProgress | undefined)[]): FuzzProgress {
  const known = shards.filter((shard) => shard !== undefined);
  const add = (of: (shard: FuzzProgress) => number): number =>
    known.reduce((sum, shard) => sum + of(shard), 0);
  const most = (of: (shard: FuzzProgress) => number): number => Math.max(0, ...known.map(of));
  const bounds = Math.max(0, ...known.map(({ complete }) => complete.length));
  return {
    programs: add(({ programs }) => programs),
    schedules: add(({ schedules }) => schedules),
    complete: Array.from({ length: bounds }, (_, at) => add(({ complete }) => complete[at] ?? 0)),
    pairs: most(({ pairs }) => pairs),
    seconds: most(({ seconds }) => seconds),
    cpuSeconds: add(({ cpuSeconds }) => cpuSeconds),
  };
}

export function fuzzProgress({ programs, schedules, pairs }: FuzzProgress): string {
  return `${count(programs)} programs, ${count(schedules)} schedules, ${count(pairs)} pairs met`;
}

interface Options {
  readonly mutation?: string | undefined;
  readonly era: string;
  readonly races: boolean;
  readonly memory?: string | undefined;
}

type Failed = FuzzFailure & { readonly file: string | undefined };

export function fuzzReport(
  sum: FuzzProgress,
  failed: Failed | undefined,
  options: Options,
): string {
  const { complete, cpuSeconds } = sum;
  const head = `${fuzzProgress(sum)}, in ${cpuSeconds.toFixed(1)} s of CPU time\n`;
  const bounds = complete
    .map((programs, bound) => `${count(programs)} with at most ${bound}`)
    .join(", ");
  const searched = `${head}completely explored: ${bounds} preemptions\n`;
  if (failed === undefined) {
    return `${searched}${styled("green", "no program fails")}, which proves nothing beyond these\n`;
  }
  return searched + failedText(failed, options);
}

function failedText(failed: Failed, options: Options): string {
  const { scenario, result, file, program } = failed;
  const { failure } = result;
  const text = `${heading(`Program ${program}`)}${printScenario(scenario)}`;
  if (failure === undefined) return `${text}\nit fails, but not again: search it with explore\n`;
  const saved = file === undefined ? "" : `saved as ${file}\n`;
  const replay = replayCommand(failed, options);
  return `${text}${failureText(failure, false)}\n${saved}replay: ${replay}\n`;
}

export function replayCommand({ result, file }: Failed, options: Options): string {
  const words = [file ?? "FILE", result.failure?.token ?? ""];
  const given: string[] = [];
  if (options.mutation !== undefined) given.push("--mutation", options.mutation);
  if (options.era === "seed") given.push("--era", "seed");
  if (options.memory !== undefined) given.push("--memory", options.memory);
  if (options.races) given.push("--races");
  return commandLine(["slablab", "replay", ...words, ...given]);
}
