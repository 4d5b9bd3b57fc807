// SPDX-License-Identifier: GPL-2.0-only
/** The options of a machine that several commands have: allocator, kernel, memory, parameters. */
import { type Command, InvalidArgumentError, Option } from "commander";
import {
  ALLOCATORS,
  type AllocatorName,
  BUILD_OPTIONS,
  type BuildOption,
  bootOptionOf,
  buildOptionOf,
} from "../../caches/flags.ts";
import {
  DEFAULT_KERNEL,
  KERNEL_VERSIONS,
  type KernelVersion,
} from "../../caches/kernel-version.ts";
import { MIB } from "../../machine/units.ts";
import { bytes, wholeNumber } from "../common.ts";

export interface KernelOptions {
  readonly allocator: AllocatorName;
  readonly kernel: KernelVersion;
}

function allocatorOption(description: string): Option {
  return new Option("--allocator <name>", description).choices([...ALLOCATORS]);
}

function kernelOption(description: string): Option {
  return new Option("--kernel <version>", description).choices([...KERNEL_VERSIONS]);
}

/** Adds both options, with their defaults. */
export function withKernelOptions(command: Command): Command {
  return command
    .addOption(allocatorOption("slab allocator").default("slub"))
    .addOption(kernelOption("kernel version").default(DEFAULT_KERNEL));
}

export interface BootOptionsGiven extends KernelOptions {
  readonly cpus: number;
  readonly nodes: number;
  readonly param: Readonly<Record<string, string>>;
  readonly config: readonly BuildOption[];
  readonly hardened?: true;
  readonly randomized?: true;
  readonly initOnAlloc?: true;
  readonly initOnFree?: true;
  readonly kasan?: true;
  readonly kfence?: true | number;
  readonly kmemcheck?: true;
}

/** Adds the options of a machine that one thread boots and looks at. */
export function withBootOptions(command: Command): Command {
  return withKernelOptions(command)
    .option("--cpus <n>", "simulated CPUs", wholeNumber, 1)
    .option("--nodes <n>", "memory nodes", wholeNumber, 1)
    .addOption(parameterOption().default({}, "none"))
    .addOption(configOption().default([], "none"))
    .option("--hardened", "encode free pointers (SLUB)")
    .option("--randomized", "hand a slab's objects out in random order")
    .option("--init-on-alloc", "zero objects and pages when they are handed out")
    .option("--init-on-free", "zero objects and pages when they come back")
    .option("--kasan", "check each access to an object; freed ones wait in a quarantine (KASAN)")
    .addOption(kfenceOption())
    .option("--kmemcheck", KMEMCHECK);
}

/** The options as `boot` takes them. */
export function bootOptionsOf(given: BootOptionsGiven) {
  const { allocator, kernel, cpus, nodes, config, param: parameters } = given;
  const { hardened = false, randomized = false, initOnAlloc = false, initOnFree = false } = given;
  const { kasan = false, kmemcheck = false, kfence } = given;
  const switches = { hardened, randomized, initOnAlloc, initOnFree, kasan, kmemcheck };
  return {
    ...{ allocator, kernel, cpus, nodes, config, parameters, ...switches },
    kfence: kfenceOf(kfence),
  };
}

/** The help of `--kmemcheck`. */
export const KMEMCHECK = "catch reads of bytes that nobody has written (kmemcheck; 4.1)";

export function kfenceOption(): Option {
  return new Option(
    "--kfence [n]",
    "every nth allocation gets a page of its own between guard pages (KFENCE; default: 10000th)",
  ).argParser(wholeNumber);
}

/** What `--kfence` says, as `boot` takes it. */
export function kfenceOf(given: true | number | undefined): boolean | { sampleInterval: number } {
  return typeof given === "number" ? { sampleInterval: given } : given === true;
}

/** A boot parameter as it stands on the kernel's command line: `name` or `name=value`. */
export function splitBootParameter(written: string): [name: string, value: string] {
  const equals = written.indexOf("=");
  return equals < 0 ? [written, ""] : [written.slice(0, equals), written.slice(equals + 1)];
}

/** One more `--param NAME[=VALUE]`. */
function addParameter(
  written: string,
  previous: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const [name, value] = splitBootParameter(written);
  if (name === "") throw new InvalidArgumentError("It must be NAME or NAME=VALUE.");
  // An object cannot hold it like another name.
  if (name === "__proto__") throw new InvalidArgumentError("There is no such boot parameter.");
  return { ...previous, [name]: value };
}

/** One more `--config NAME`. */
export function addBuildOption(
  written: string,
  previous: readonly BuildOption[] = [],
): BuildOption[] {
  const known = buildOptionOf(written);
  if (known !== undefined) return [...previous, known];
  const option = bootOptionOf(written);
  if (option === undefined)
    throw new InvalidArgumentError(`There are ${BUILD_OPTIONS.join(", ")}.`);
  const flag = option.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  throw new InvalidArgumentError(`It is set by --${flag}, where a machine boots.`);
}

export function parameterOption(): Option {
  return new Option("--param <name=value>", "boot parameter; may be repeated").argParser(
    addParameter,
  );
}

export function configOption(): Option {
  return new Option("--config <name>", "build option; may be repeated").argParser(addBuildOption);
}

export function memoryOption(): Option {
  return new Option("--memory <size>", "memory of the machine")
    .argParser(bytes)
    .default(64 * MIB, "64M");
}

/** Adds both without a default. Their help says what holds where they are left out. */
export function withOptionalKernelOptions(
  command: Command,
  otherwise: { readonly allocator: string; readonly kernel: string },
): Command {
  return command
    .addOption(allocatorOption(otherwise.allocator))
    .addOption(kernelOption(otherwise.kernel));
}
