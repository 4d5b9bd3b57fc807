// SPDX-License-Identifier: GPL-2.0-only
/** What `explore` and `replay` search or show: the options that say it. */
import { type Command, Option } from "commander";
import { ERAS, type Era } from "../../caches/kernel-version.ts";
import { MEMORY_MODELS, type MemoryModel } from "../../explore/store-buffers.ts";
import { type KernelOptions, withOptionalKernelOptions } from "./kernel.ts";

export interface SubjectOptions extends Partial<KernelOptions> {
  mutation?: string;
  era?: Era;
  memory?: MemoryModel;
}

export function withSubjectOptions(command: Command): Command {
  const otherwise = "(default: the scenario's)";
  return withOptionalKernelOptions(command, { allocator: otherwise, kernel: otherwise })
    .option(
      "--mutation <id|file>",
      "allocator with one fix taken out: an id, or a file that exports one",
    )
    .addOption(new Option("--era <era>", "fixes that the allocator has").choices([...ERAS]))
    .addOption(memoryModelOption());
}

/** For commands that explore. */
export function memoryModelOption(): Option {
  const description =
    "what other CPUs see: each store at once (sc, the default), or late (tso, pso); weak: late, and loads " +
    "may return older values";
  return new Option("--memory <model>", description).choices([...MEMORY_MODELS]);
}
