/** The machine that `slabinfo` and `sysfs` look at: fresh from boot, or after a workload. */
import { type Command, Option } from "commander";
import { playAlone } from "../../stress/alone.ts";
import { WORKLOADS } from "../../stress/workloads/index.ts";
import { parseBootParameters } from "../caches/boot-parameters.ts";
import type { BuildOption } from "../caches/flags.ts";
import { boot, type Kernel, MIB } from "../kernel/kernel.ts";
import { addBuildOption, addParameter, badUsage, wholeNumber } from "./common.ts";

export interface InspectedOptions {
  allocator: "slub" | "slab";
  kernel: "4.1" | "6.1";
  cpus: number;
  nodes: number;
  param: Record<string, string>;
  config: BuildOption[];
  after?: string;
}

const STEPS = 400;
const MEMORY = 64 * MIB;

/** Adds the options that say which machine. */
export function withMachineOptions(command: Command): Command {
  return command
    .addOption(new Option("--allocator <name>").choices(["slub", "slab"]).default("slub"))
    .addOption(new Option("--kernel <version>").choices(["4.1", "6.1"]).default("4.1"))
    .option("--cpus <n>", "CPUs", wholeNumber, 1)
    .option("--nodes <n>", "memory nodes", wholeNumber, 1)
    .option("--param <name=value>", "a boot parameter; may be repeated", addParameter, {})
    .option("--config <name>", "a build option; may be repeated", addBuildOption, [])
    .addOption(
      new Option("--after <workload>", "play one first, always the same way").choices([
        ...WORKLOADS.keys(),
      ]),
    );
}

/** The machine; wrong options end the program. */
export function inspected(command: Command, options: InspectedOptions): Kernel {
  const { allocator, kernel, cpus, nodes, config } = options;
  if (allocator === "slub" && kernel === "6.1") {
    badUsage(command, "SLUB of 6.1 is known by its geometry only; use --kernel 4.1");
  }
  try {
    const parameters = parseBootParameters(kernel, options.param);
    const wanted = { allocator, kernel, cpus, nodes, parameters, config, memory: MEMORY * nodes };
    const workload = WORKLOADS.get(options.after ?? "");
    return workload === undefined ? boot(wanted) : playAlone(wanted, workload, STEPS);
  } catch (error) {
    if (error instanceof RangeError || (error as Error).name === "BootParameterError") {
      return badUsage(command, (error as Error).message);
    }
    throw error;
  }
}
