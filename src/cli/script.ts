// SPDX-License-Identifier: GPL-2.0-only
/** `slablab script FILE`: runs a script on a machine of its own and prints what a kernel would tell. */
import { Command } from "commander";
import { BootParameterError } from "../caches/boot-parameters.ts";
import type { ConsoleSink } from "../machine/console.ts";
import { Dmesg, merged } from "../machine/dmesg.ts";
import { dmesgText } from "../report/dmesg.ts";
import { parseScript, ScriptError } from "../sysfs/script/commands.ts";
import { runScript } from "../sysfs/script/run.ts";
import { NoMemory, type Step, type Trace } from "../sysfs/script/script-run.ts";
import { badUsage, DMESG } from "./common.ts";
import { jsonDocument } from "./document.ts";
import { readText } from "./files.ts";
import {
  type BootOptionsGiven,
  bootOptionsOf,
  refuseWhatCannotRun,
  withBootOptions,
} from "./kernel-options.ts";

const EXAMPLES = `
Commands, one a line; objects are numbered from 0 in the order of their allocation:
  C name size align flags(hex) ctor(0|1)   create the cache      D          destroy it
  A n    AN n node                         allocate              F i        free one
  FF a b   FL a b   FS a b step            free a range upwards, downwards, every step-th
  FR a b seed                              free a range in random order
  B n    BF a b                            bulk calls            P cpu      go on as that CPU
  S label                                  show everything       Q1   Q0    less, more
  K                                        shrink                R ratio    look on other nodes

Example:
  printf 'C demo 256 0 0 0\\nA 20\\nFF 0 19\\nS end\\nK\\nD\\n' | slablab script -`;

interface ScriptOptions extends BootOptionsGiven {
  dmesg?: true;
  json?: true;
}

/** The command, ready to be added to the program. */
export function scriptCommand(): Command {
  const command = withBootOptions(
    new Command("script").argument("<file>", "the script; - reads standard input"),
  )
    .option("--dmesg", DMESG)
    .option("--json", "print one JSON document")
    .addHelpText("after", EXAMPLES);
  return command.action(async (file: string, options: ScriptOptions) => {
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
  });
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
