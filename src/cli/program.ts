// SPDX-License-Identifier: GPL-2.0-only
/** The program `slablab` as a function: its commands, and how a command line ends. */
import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { ThreadRefused } from "../../stress/thread-refused.ts";
import { printable } from "../machine/quoted.ts";
import { COMMANDS, type ListedCommand } from "./commands.ts";
import { complain, EXIT } from "./common.ts";
import { UnreadableFile } from "./files.ts";

const EXAMPLES = `
Examples:
  slablab stress --seconds 20 --cpus 4 --nodes 2 --interrupts 0.001 --migrations 0.0005
  slablab stress --workload pressure --memory 16M --json
  slablab geometry --size 192

Exit codes: 0 fine, 1 a check failed, 2 bad usage, 3 internal error, 4 nothing was proven,
130 interrupted, 143 terminated, 129 hung up`;

/** The package's root: built files lie one folder deeper than their sources. */
const manifest = new URL(
  import.meta.url.endsWith(".ts") ? "../../package.json" : "../../../package.json",
  import.meta.url,
);

function version(): string {
  return (JSON.parse(readFileSync(manifest, "utf8")) as { version: string }).version;
}

/** Arguments, and values behind an equals sign: what an error may quote. */
function quotable(words: readonly string[]): string[] {
  return words.flatMap((word) => [word, word.slice(word.indexOf("=") + 1)]);
}

/** The command that a command line calls, or asks about. */
function called(words: readonly string[]): string | undefined {
  const [first, second] = words.filter((word) => !word.startsWith("-"));
  return first === "help" ? second : first;
}

/** Commands as the list of them needs them: none of their modules is loaded. */
function listed(): Command[] {
  return Object.entries(COMMANDS).map(([name, { description }]) =>
    new Command(name).description(description),
  );
}

async function loaded(name: string): Promise<Command> {
  const { description, load } = COMMANDS[name] as ListedCommand;
  return (await load()).description(description);
}

async function program(words: readonly string[]): Promise<Command> {
  const command = new Command("slablab")
    .description("The Linux slab allocators, stressed on real threads, step by step, and measured.")
    .version(version())
    .showSuggestionAfterError()
    .addHelpText("after", EXAMPLES)
    .configureOutput({ outputError: (text, write) => write(printable(text, quotable(words))) })
    .exitOverride();
  const name = called(words);
  if (name !== undefined && Object.hasOwn(COMMANDS, name)) {
    return command.addCommand(withSettingsOf(command, await loaded(name)));
  }
  for (const each of listed()) command.addCommand(each);
  return command.configureHelp({
    subcommandTerm: (each) =>
      `${each.name()} ${COMMANDS[each.name()]?.usage ?? "[command]"}`.trim(),
  });
}

function withSettingsOf(parent: Command, command: Command): Command {
  command.copyInheritedSettings(parent);
  for (const sub of command.commands) withSettingsOf(command, sub);
  return command;
}

/**
 * Does what a command line asks. The answer goes to standard output, complaints go to standard error,
 * and the exit code is left in `process.exitCode`.
 */
export async function run(words: readonly string[]): Promise<void> {
  try {
    await (await program(words)).parseAsync(words, { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? EXIT.FINE : EXIT.USAGE;
    } else if (error instanceof UnreadableFile) {
      console.error(printable(`error: ${error.message}`));
      process.exitCode = EXIT.USAGE;
    } else if (isThreadRefused(error)) {
      complain(error instanceof ThreadRefused ? error.message : "this machine starts no threads");
      process.exitCode = EXIT.INTERNAL;
    } else if (!hasNoReader(error)) {
      complain(`internal error: ${error instanceof Error ? error.stack : error}`);
      process.exitCode = EXIT.INTERNAL;
    }
  }
}

/** A limit of this machine or container, and no fault of the program. */
function isThreadRefused(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return error instanceof ThreadRefused || code === "ERR_WORKER_INIT_FAILED";
}

/** The reader has seen enough, as `head` does. What was asked for is done all the same. */
export function hasNoReader(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | null)?.code === "EPIPE";
}
