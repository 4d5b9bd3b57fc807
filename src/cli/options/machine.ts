// SPDX-License-Identifier: GPL-2.0-only
/** The options of the machine that `slabinfo` and `sysfs` look at. */
import { type Command, Option } from "commander";
import { WORKLOADS } from "../../../stress/workloads/index.ts";
import { DMESG } from "../common.ts";
import { type BootOptionsGiven, withBootOptions } from "./kernel.ts";

export interface InspectedOptions extends BootOptionsGiven {
  after?: string;
  dmesg?: true;
}

/** Adds the options that say which machine. */
export function withMachineOptions(command: Command): Command {
  return withBootOptions(command)
    .addOption(
      new Option("--after <workload>", "run this workload first, always in the same way").choices([
        ...WORKLOADS.keys(),
      ]),
    )
    .option("--dmesg", DMESG);
}
