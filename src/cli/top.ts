// SPDX-License-Identifier: GPL-2.0-only
/** `slablab top`: the caches of a machine under stress, as slabtop shows a kernel's. */
import type { Command } from "commander";
import type { Outcome, StressOptions } from "../../stress/options.ts";
import { BadOptions, type StressRun, stress } from "../../stress/run.ts";
import { type Kernel, systemOf } from "../kernel/kernel.ts";
import { KernelBug } from "../machine/kernel-bug.ts";
import { dmesgText } from "../report/dmesg.ts";
import { slabtopScreen } from "../report/slabtop.ts";
import { SORT_KEYS } from "../report/slabtop-keys.ts";
import { type SlabinfoRow, slabinfoRows } from "../sysfs/slabinfo.ts";
import { refuseWhatCannotRun } from "./cannot-run.ts";
import { anySeed, badUsage, complain, EXIT, interruptible } from "./common.ts";
import type { TopOptions } from "./options/top.ts";

/** Lines above the first cache. */
const HEADER_LINES = 7;
const ANY_HEIGHT = 1000;
/** A picture waits so long for a CPU; then the last one stays. */
const PATIENCE_MS = 500;
const CLEAR = "\u001b[H\u001b[J";

/** Where pictures go and keys come from. */
export interface Terminal {
  readonly input: NodeJS.ReadStream;
  readonly output: NodeJS.WriteStream;
}

export class Top {
  private readonly options: TopOptions;
  private readonly terminal: Terminal;
  private readonly live: boolean;
  private readonly end = new AbortController();
  private sort: string;
  private picture = "";
  private nextAt = 0;
  private quits = false;

  constructor(options: TopOptions, terminal: Terminal) {
    this.options = options;
    this.terminal = terminal;
    this.sort = options.sort;
    this.live = options.once === undefined && terminal.output.isTTY === true;
  }

  /** Draws until the time is over, `signal` comes or q is pressed. */
  async show(signal: AbortSignal): Promise<Outcome> {
    signal.addEventListener("abort", () => this.end.abort());
    this.listen(true);
    try {
      const progress = (_: unknown, run: StressRun): void => this.look(run.kernel);
      const outcome = await stress(this.stressOptions(), { signal: this.end.signal, progress });
      if (!this.live) this.terminal.output.write(this.picture);
      if (this.options.dmesg === true) this.terminal.output.write(dmesgText(outcome.dmesg));
      return outcome;
    } finally {
      this.listen(false);
    }
  }

  exitCode({ failure, died, interrupted }: Outcome, interruptedCode: number): number {
    if (died !== undefined) complain(`${died}`);
    else if (failure !== undefined) complain(`${failure.class}: ${failure.message}`);
    if (died !== undefined) return EXIT.INTERNAL;
    if (failure !== undefined) return EXIT.FOUND;
    return interrupted && !this.quits ? interruptedCode : EXIT.FINE;
  }

  private stressOptions(): StressOptions {
    const { delay: _delay, sort: _sort, once: _once, ...given } = this.options;
    return {
      ...given,
      operations: undefined,
      seed: anySeed(),
      ledger: false,
      interrupts: 0,
      migrations: 0,
      delays: 0,
      mutation: undefined,
      era: "fixed",
    };
  }

  private look(kernel: Kernel): void {
    const now = performance.now();
    if (now < this.nextAt || !this.draw(kernel)) return;
    this.nextAt = now + (this.live ? this.options.delay * 1000 : 0);
  }

  /** False where the machine was too busy to be looked at: then the last picture stays. */
  private draw(kernel: Kernel): boolean {
    const { output } = this.terminal;
    const lines = this.live ? (output.rows ?? 24) - HEADER_LINES - 1 : ANY_HEIGHT;
    const rows = rowsOf(kernel);
    if (rows === undefined) return false;
    this.picture = slabtopScreen(rows, this.sort, lines);
    if (this.live) output.write(`${CLEAR}${this.picture}`);
    return true;
  }

  private listen(on: boolean): void {
    const { input } = this.terminal;
    if (!this.live || input.isTTY !== true) return;
    input.setRawMode(on);
    if (on) input.on("data", this.onKey).resume();
    else input.off("data", this.onKey).pause();
  }

  private readonly onKey = (data: Buffer): void => {
    for (const key of data.toString()) {
      if (Object.hasOwn(SORT_KEYS, key)) this.sort = key;
      this.quits ||= key === "q";
      // In raw mode Ctrl-C is a key like any other.
      if (key === "q" || key === "\u0003") this.end.abort();
    }
    // The next glance at the run, a fraction of a second away, draws.
    this.nextAt = 0;
  };
}

/** As the options say. */
export async function runTop(command: Command, options: TopOptions): Promise<void> {
  refuseWhatCannotRun(command, options);
  try {
    const terminal: Terminal = { input: process.stdin, output: process.stdout };
    const top = new Top(options, terminal);
    const { result: outcome, interruptedCode } = await interruptible((signal) => top.show(signal));
    process.exitCode = top.exitCode(outcome, interruptedCode);
  } catch (error) {
    if (error instanceof BadOptions) badUsage(command, error.message);
    throw error;
  }
}

/** The rows, or undefined where no CPU came free in time. */
function rowsOf(kernel: Kernel): SlabinfoRow[] | undefined {
  try {
    return kernel.run(() => slabinfoRows(systemOf(kernel)), -1, PATIENCE_MS);
  } catch (error) {
    if (error instanceof KernelBug) return undefined;
    throw error;
  }
}
