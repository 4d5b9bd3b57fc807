/** The recorded runs of scripts on real kernels, and our answers to the same scripts. */
import type { ThreadBuild } from "../../src/kernel/kernel.ts";
import { parseScript } from "../../src/sysfs/script/commands.ts";
import { runScript } from "../../src/sysfs/script/run.ts";
import type { Step, Trace } from "../../src/sysfs/script/script-run.ts";
import { kernelOf, machineOf, oracleRuns, paramsOf, readOracle } from "./files.ts";

export interface TraceRecord {
  slab_cmdline: string[];
  cpus: string;
  traces: (Trace & { script: string })[];
}

export const TRACE_FOLDERS = ["trace", "trace-multi", "trace-random1", "trace-randomN"];

/** `[folder, run]` of every record of an allocator, and of one kernel where its runs have a prefix. */
export function traceRuns(
  allocator: "slub" | "slab",
  prefix = "",
): [folder: string, run: string][] {
  return TRACE_FOLDERS.flatMap((folder) =>
    oracleRuns(folder)
      .filter((run) => kernelOf(run).allocator === allocator && run.startsWith(prefix))
      .map((run): [string, string] => [folder, run]),
  );
}

/** Runs the script of a recorded trace on a machine like the recorded one. */
export function rerun(
  run: string,
  record: TraceRecord,
  recorded: Trace,
  change?: ThreadBuild["change"],
): Trace {
  const { allocator, kernel, config } = kernelOf(run);
  const { cpus, nodes } = machineOf(record.cpus);
  const parameters = paramsOf(record.slab_cmdline);
  const script = parseScript(recorded.steps.map((step) => step.cmd).join("\n"));
  return runScript(script, { allocator, kernel, cpus, nodes, parameters, config }, change);
}

/** The steps that differ, each with the first event or file that does. */
export function differences(ours: Trace, theirs: Trace): string[] {
  const found: string[] = [];
  if (JSON.stringify(ours.cache) !== JSON.stringify(theirs.cache)) {
    found.push(`cache: ${JSON.stringify(ours.cache)}, not ${JSON.stringify(theirs.cache)}`);
  }
  theirs.steps.forEach((step, i) => {
    const difference = stepDifference(ours.steps[i], step);
    if (difference !== undefined) found.push(`step ${i} ${step.cmd}: ${difference}`);
  });
  return found;
}

function stepDifference(ours: Step | undefined, theirs: Step): string | undefined {
  if (ours === undefined) return "missing";
  const events = Math.max(ours.ev.length, theirs.ev.length);
  for (let i = 0; i < events; i++) {
    const [a, b] = [JSON.stringify(ours.ev[i]), JSON.stringify(theirs.ev[i])];
    if (a !== b) return `event ${i} is ${a}, not ${b}`;
  }
  const files = new Set([...Object.keys(ours.snap ?? {}), ...Object.keys(theirs.snap ?? {})]);
  for (const file of files) {
    const [a, b] = [JSON.stringify(ours.snap?.[file]), JSON.stringify(theirs.snap?.[file])];
    if (a !== b) return `${file} is ${a}, not ${b}`;
  }
  return undefined;
}

export function readTraces(folder: string, run: string): TraceRecord {
  return readOracle<TraceRecord>(folder, run);
}
