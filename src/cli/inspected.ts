// SPDX-License-Identifier: GPL-2.0-only
/** The machine that `slabinfo` and `sysfs` look at: fresh from boot, or after a workload. */
import type { Command } from "commander";
import { playAlone } from "../../stress/alone.ts";
import { WORKLOADS } from "../../stress/workloads/index.ts";
import { boot, type Kernel, MIB } from "../kernel/kernel.ts";
import { Dmesg } from "../machine/dmesg.ts";
import { refuseWhatCannotRun } from "./cannot-run.ts";
import { badUsage } from "./common.ts";
import { bootOptionsOf } from "./options/kernel.ts";
import type { InspectedOptions } from "./options/machine.ts";

/** The machine, and what its console has printed since boot. */
export interface Inspected {
  readonly kernel: Kernel;
  readonly dmesg: Dmesg;
}

const STEPS = 400;
const MEMORY = 64 * MIB;

/** The machine; wrong options end the program. */
export function inspected(command: Command, options: InspectedOptions): Inspected {
  refuseWhatCannotRun(command, options);
  try {
    const wanted = { ...bootOptionsOf(options), memory: MEMORY * options.nodes };
    const workload = WORKLOADS.get(options.after ?? "");
    const dmesg = new Dmesg();
    const build = { console: dmesg.sink };
    const machine =
      workload === undefined ? boot(wanted, build) : playAlone(wanted, workload, STEPS, build);
    return { kernel: machine, dmesg };
  } catch (error) {
    if (error instanceof RangeError || (error as Error).name === "BootParameterError") {
      return badUsage(command, (error as Error).message);
    }
    throw error;
  }
}
