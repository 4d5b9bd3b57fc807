/** The program `slablab` as a function: its commands, and how a command line ends. */
import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { EXIT } from "./common.ts";
import { exploreCommand } from "./explore.ts";
import { geometryCommand } from "./geometry.ts";
import { museumCommand } from "./museum.ts";
import { replayCommand } from "./replay.ts";
import { scaleCommand } from "./scale.ts";
import { scriptCommand } from "./script.ts";
import { slabinfoCommand } from "./slabinfo.ts";
import { stressCommand } from "./stress.ts";
import { sysfsCommand } from "./sysfs.ts";
import { topCommand } from "./top.ts";

const EXAMPLES = `
Examples:
  slablab stress --seconds 20 --cpus 4 --nodes 2 --interrupts 0.001 --migrations 0.0005
  slablab stress --workload pressure --memory 16M --json
  slablab geometry --size 192

Exit codes: 0 fine, 1 a check failed, 2 bad usage, 3 internal error, 130 interrupted`;

/** The package's root: built files lie one folder deeper than their sources. */
const manifest = new URL(
  import.meta.url.endsWith(".ts") ? "../../package.json" : "../../../package.json",
  import.meta.url,
);

function version(): string {
  return (JSON.parse(readFileSync(manifest, "utf8")) as { version: string }).version;
}

function program(): Command {
  const command = new Command("slablab")
    .description("The Linux slab allocators, stressed on real threads, step by step, and measured.")
    .version(version())
    .showSuggestionAfterError()
    .addHelpText("after", EXAMPLES)
    .exitOverride();
  for (const sub of [
    stressCommand(),
    exploreCommand(),
    replayCommand(),
    museumCommand(),
    scaleCommand(),
    geometryCommand(),
    scriptCommand(),
    slabinfoCommand(),
    sysfsCommand(),
    topCommand(),
  ]) {
    command.addCommand(sub.copyInheritedSettings(command));
  }
  return command;
}

/**
 * Does what a command line asks. The answer goes to standard output, complaints go to standard error,
 * and the exit code is left in `process.exitCode`.
 */
export async function run(words: readonly string[]): Promise<void> {
  try {
    await program().parseAsync(words, { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? EXIT.FINE : EXIT.USAGE;
    } else if (!hasNoReader(error)) {
      console.error(`slablab: internal error: ${error instanceof Error ? error.stack : error}`);
      process.exitCode = EXIT.INTERNAL;
    }
  }
}

/** The reader has seen enough, as `head` does. What was asked for is done all the same. */
export function hasNoReader(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | null)?.code === "EPIPE";
}
