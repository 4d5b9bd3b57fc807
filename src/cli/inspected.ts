// SPDX-License-Identifier: GPL-2.0-only
/** The machine that `slabinfo` and `sysfs` look at: fresh from boot, or after a workload. */
import { type Command, Option } from "commander";
import { playAlone } from "../../stress/alone.ts";
import { WORKLOADS } from "../../stress/workloads/index.ts";
import { boot, type Kernel, MIB } from "../kernel/kernel.ts";
import { badUsage } from "./common.ts";
import {
  type BootOptionsGiven,
  bootOptionsOf,
  refuseWhatCannotRun,
  withBootOptions,
} from "./kernel-options.ts";

export interface InspectedOptions extends BootOptionsGiven {
  after?: string;
}

const STEPS = 400;
const MEMORY = 64 * MIB;

/** Adds the options that say which machine. */
export function withMachineOptions(command: Command): Command {
  return withBootOptions(command).addOption(
    new Option("--after <workload>", "run this workload first, always in the same way").choices([
      ...WORKLOADS.keys(),
    ]),
  );
}

/** The machine; wrong options end the program. */
export function inspected(command: Command, options: InspectedOptions): Kernel {
  refuseWhatCannotRun(command, options);
  try {
    const wanted = { ...bootOptionsOf(options), memory: MEMORY * options.nodes };
    const workload = WORKLOADS.get(options.after ?? "");
    return workload === undefined ? boot(wanted) : playAlone(wanted, workload, STEPS);
  } catch (error) {
    if (error instanceof RangeError || (error as Error).name === "BootParameterError") {
      return badUsage(command, (error as Error).message);
    }
    throw error;
  }
}
