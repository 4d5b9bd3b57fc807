// SPDX-License-Identifier: GPL-2.0-only
/** The options of `slablab script`. */
import { Command } from "commander";
import { DMESG } from "../common.ts";
import { type BootOptionsGiven, withBootOptions } from "./kernel.ts";

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

export interface ScriptOptions extends BootOptionsGiven {
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
    await (await import("../script.ts")).runFile(command, file, options);
  });
}
