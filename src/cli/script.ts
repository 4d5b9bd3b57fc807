// SPDX-License-Identifier: GPL-2.0-only
/** `slablab script FILE`: runs a script on a machine of its own and prints what a kernel would tell. */
import type { Command } from "commander";
import { BootParameterError } from "../caches/boot-parameters.ts";
import type { ConsoleSink } from "../machine/console.ts";
import { Dmesg, merged } from "../machine/dmesg.ts";
import { dmesgText } from "../report/dmesg.ts";
import { parseScript, ScriptError } from "../sysfs/script/commands.ts";
import { runScript } from "../sysfs/script/run.ts";
import { NoMemory, type Step, type Trace } from "../sysfs/script/script-run.ts";
import { refuseWhatCannotRun } from "./cannot-run.ts";
import { badUsage } from "./common.ts";
import { jsonDocument } from "./document.ts";
import { readText } from "./files.ts";
import { bootOptionsOf } from "./options/kernel.ts";
import type { ScriptOptions } from "./options/script.ts";

/** As the options say. */
export async function runFile(
  command: Command,
  file: string,
  options: ScriptOptions,
): Promise<void> {
  const dmesg = new Dmesg();
  const said = () => merged([dmesg.lines]);
  const fail = (error: Error): never => {
    // The machine has said more about it than the script's runner knows.
    if (error instanceof NoMemory) process.stderr.write(dmesgText(said()));
    return badUsage(command, error.message);
  };
  refuseWhatCannotRun(command, options);
  const trace = answer(await readText(file), options, dmesg.sink, fail);
  const shown = options.dmesg === true ? said() : undefined;
  process.stdout.write(
    options.json
      ? jsonDocument("script", { file, ...options }, { ...trace, dmesg: shown })
      : describe(trace) + (shown === undefined ? "" : dmesgText(shown)),
  );
}

function answer(
  text: string,
  options: ScriptOptions,
  console: ConsoleSink,
  fail: (error: Error) => never,
): Trace {
  try {
    // Merged caches would mix the script's objects with others.
    const parameters = { slab_nomerge: "", ...options.param };
    const machine = { ...bootOptionsOf(options), parameters };
    return runScript(parseScript(text), machine, undefined, console);
  } catch (error) {
    const wrongUse =
      error instanceof ScriptError ||
      error instanceof BootParameterError ||
      error instanceof RangeError;
    if (wrongUse) return fail(error as Error);
    throw error;
  }
}

/** A line for each step, its events below it. */
function describe(trace: Trace): string {
  const shape = Object.entries(trace.cache).map(([name, value]) => `${name}=${value}`);
  return [`cache ${shape.join(" ")}`, ...trace.steps.flatMap(describeStep), ""].join("\n");
}

function describeStep({ cmd, ev, snap }: Step): string[] {
  const events = ev.map((event) => `  ${event.map(describeField).join(" ")}`);
  const files = Object.entries(snap ?? {}).map(([name, value]) => `  ${name.padEnd(26)}${value}`);
  return [cmd, ...events, ...files];
}

function describeField(field: unknown): string {
  return typeof field === "string" || typeof field === "number"
    ? String(field)
    : JSON.stringify(field);
}
