// SPDX-License-Identifier: GPL-2.0-only
/** What the commands share: option values, exit codes, signals, the progress line. */
import { constants } from "node:os";
import { type Command, InvalidArgumentError } from "commander";
import { printable } from "../machine/quoted.ts";

/**
 * FOUND: a check failed or a race was found. UNFINISHED: the budget of a search ended before anything
 * was proven. A signal ends with 128 and its number, as in a shell.
 */
export const EXIT = { FINE: 0, FOUND: 1, USAGE: 2, INTERNAL: 3, UNFINISHED: 4 } as const;

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

/** A probability from 0 to 1. */
export function rate(written: string): number {
  const value = Number(written);
  if (written.trim() !== "" && value >= 0 && value <= 1) return value;
  throw new InvalidArgumentError("It must be a probability from 0 to 1.");
}

/** A size in bytes, such as 65536, 64K, 16M or 1G. */
export function bytes(written: string): number {
  const [, digits, unit = ""] = /^(\d+)([kmg]?)(?:i?b)?$/i.exec(written) ?? [];
  if (digits === undefined) {
    throw new InvalidArgumentError("It must be a size, such as 65536, 64K, 16M or 1G.");
  }
  return Number(digits) * (UNITS[unit.toLowerCase()] as number);
}

/** A number to try a run again with, where none was given. */
export function anySeed(): number {
  return 1 + Math.floor(Math.random() * 999_999);
}

/** What the option --dmesg of several commands does. */
export const DMESG = "print what the machine's console has said, too";

/** Ends the program: the command was used wrongly. */
export function badUsage(command: Command, message: string): never {
  command.error(`error: ${message}`, { exitCode: EXIT.USAGE });
}

/** A line on standard error besides the answer. */
export function complain(message: string): void {
  console.error(printable(`slablab: ${message}`));
}

/** Signals that ask a program to end: Ctrl-C, kill and timeout, a terminal that was closed. */
const ENDING_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

export interface Interruptible<T> {
  readonly result: T;
  /** What to end with where the work was cut short. */
  readonly interruptedCode: number;
}

/**
 * Runs `work` with a signal that is aborted when the process is asked to end, so that it can say what
 * it has found so far. Asked a second time the process ends at once; a hang-up alone comes more than
 * once, from the terminal and from the shell.
 */
export async function interruptible<T>(
  work: (signal: AbortSignal) => Promise<T>,
): Promise<Interruptible<T>> {
  const abort = new AbortController();
  let interruptedCode = 128 + constants.signals.SIGINT;
  const handlers = ENDING_SIGNALS.map((name) => {
    const handler = (): void => {
      interruptedCode = 128 + constants.signals[name];
      if (abort.signal.aborted && name !== "SIGHUP") process.exit(interruptedCode);
      abort.abort();
    };
    process.on(name, handler);
    return { name, handler };
  });
  try {
    return { result: await work(abort.signal), interruptedCode };
  } finally {
    for (const { name, handler } of handlers) process.off(name, handler);
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
