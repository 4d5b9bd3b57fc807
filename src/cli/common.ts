/** What the commands share: reading numbers, running to an exit code, Ctrl-C, the progress line. */
import { type Command, InvalidArgumentError } from "commander";
import { splitBootParameter } from "../caches/boot-parameters.ts";
import { BUILD_OPTIONS, type BuildOption } from "../caches/flags.ts";

/** 0 fine; 1 a check failed or a race was found; then bad usage, our own fault, Ctrl-C. */
export const EXIT = { FINE: 0, FOUND: 1, USAGE: 2, INTERNAL: 3, INTERRUPTED: 130 } as const;

const UNITS: Readonly<Record<string, number>> = { "": 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 };

/** An option's argument as a whole number. */
export function wholeNumber(written: string): number {
  if (!/^\d+$/.test(written)) throw new InvalidArgumentError("It must be a whole number.");
  return Number(written);
}

/** A time in seconds, more than 0. */
export function seconds(written: string): number {
  const value = Number(written);
  if (written.trim() !== "" && value > 0 && Number.isFinite(value)) return value;
  throw new InvalidArgumentError("It must be a number of seconds, more than 0.");
}

/** A chance from 0 to 1. */
export function rate(written: string): number {
  const value = Number(written);
  if (written.trim() !== "" && value >= 0 && value <= 1) return value;
  throw new InvalidArgumentError("It must be a chance from 0 to 1.");
}

/** A size in bytes, such as 65536, 64K, 16M or 1G. */
export function bytes(written: string): number {
  const [, digits, unit = ""] = /^(\d+)([kmg]?)(?:i?b)?$/i.exec(written) ?? [];
  if (digits === undefined) {
    throw new InvalidArgumentError("It must be a size, such as 65536, 64K, 16M or 1G.");
  }
  return Number(digits) * (UNITS[unit.toLowerCase()] as number);
}

/** One more `--param NAME[=VALUE]`. */
export function addParameter(
  written: string,
  previous: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const [name, value] = splitBootParameter(written);
  if (name === "") throw new InvalidArgumentError("It must be NAME or NAME=VALUE.");
  return { ...previous, [name]: value };
}

/** One more `--config NAME`. */
export function addBuildOption(
  written: string,
  previous: readonly BuildOption[] = [],
): BuildOption[] {
  const name = written.replace(/^CONFIG_/, "") as BuildOption;
  if (BUILD_OPTIONS.includes(name)) return [...previous, name];
  throw new InvalidArgumentError(`There are ${BUILD_OPTIONS.join(", ")}.`);
}

/** A number to try a run again with, where none was given. */
export function anySeed(): number {
  return 1 + Math.floor(Math.random() * 999_999);
}

/** Ends the program: the command was used wrongly. */
export function badUsage(command: Command, message: string): never {
  command.error(`error: ${message}`, { exitCode: EXIT.USAGE });
}

/** Runs `work` with a signal that Ctrl-C sets; a second Ctrl-C ends the program at once. */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const abort = new AbortController();
  const onInterrupt = (): void => {
    if (abort.signal.aborted) process.exit(EXIT.INTERRUPTED);
    abort.abort();
  };
  process.on("SIGINT", onInterrupt);
  try {
    return await work(abort.signal);
  } finally {
    process.off("SIGINT", onInterrupt);
  }
}

/** A line on standard error that is written over and over, on a terminal only. */
export class ProgressLine {
  private readonly shown: boolean;

  constructor(quiet: boolean) {
    this.shown = process.stderr.isTTY === true && !quiet;
  }

  show(text: string): void {
    if (this.shown) process.stderr.write(`\r${text}\u001b[K`);
  }

  clear(): void {
    if (this.shown) process.stderr.write("\r\u001b[K");
  }
}
