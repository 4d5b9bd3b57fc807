/** `slablab top`: the caches of a machine under stress, as slabtop shows a kernel's. */
import { Command, InvalidArgumentError, Option } from "commander";
import type { StressOptions } from "../../stress/options.ts";
import { BadOptions, type StressRun, stress } from "../../stress/run.ts";
import { WORKLOADS } from "../../stress/workloads/index.ts";
import { type Kernel, MIB } from "../kernel/kernel.ts";
import { KernelBug } from "../machine/kernel-bug.ts";
import { SORT_KEYS, slabtopScreen } from "../report/slabtop.ts";
import { type SlabinfoRow, slabinfoRows } from "../sysfs/slabinfo.ts";
import { anySeed, badUsage, bytes, EXIT, interruptible, seconds, wholeNumber } from "./common.ts";

const KEYS = Object.entries(SORT_KEYS)
  .map(([key, { title }]) => `  ${key}  ${title}`)
  .join("\n");

const HELP = `
Keys, here as --sort and on the screen, where q ends and a blank shows the next picture at once:
${KEYS}

Examples:
  slablab top
  slablab top --workload burst --cpus 8 --sort c
  slablab top --once --seconds 2`;

/** Lines above the first cache. */
const HEADER_LINES = 7;
const ANY_HEIGHT = 1000;
/** A picture waits so long for a CPU; then the last one stays. */
const PATIENCE_MS = 500;
const CLEAR = "\u001b[H\u001b[J";

interface TopOptions {
  allocator: "slub" | "slab";
  kernel: "4.1" | "6.1";
  cpus: number;
  nodes: number;
  memory: number;
  workload: string;
  seconds: number;
  delay: number;
  sort: string;
  once?: true;
}

export function topCommand(): Command {
  const command = new Command("top")
    .description("the caches of a machine under stress, live and sorted")
    .addOption(new Option("--allocator <name>").choices(["slub", "slab"]).default("slub"))
    .addOption(new Option("--kernel <version>").choices(["4.1", "6.1"]).default("4.1"))
    .option("--cpus <n>", "simulated CPUs, a thread each", wholeNumber, 2)
    .option("--nodes <n>", "memory nodes", wholeNumber, 1)
    .option("--memory <size>", "of the machine", bytes, 64 * MIB)
    .addOption(
      new Option("--workload <name>", "what the CPUs do")
        .choices([...WORKLOADS.keys()])
        .default("mixed"),
    )
    .option("--seconds <n>", "how long", seconds, 60)
    .option("-d, --delay <n>", "seconds between two pictures", seconds, 3)
    .option("-s, --sort <key>", "by what (see below)", sortKey, "o")
    .option("-o, --once", "print one picture, when the time is over")
    .addHelpText("after", HELP);
  return command.action(async (options: TopOptions) => {
    if (options.allocator === "slub" && options.kernel === "6.1") {
      badUsage(command, "SLUB of 6.1 is known by its geometry only; use --kernel 4.1");
    }
    try {
      await interruptible((signal) => new Top(options).show(signal));
    } catch (error) {
      if (error instanceof BadOptions) badUsage(command, error.message);
      throw error;
    }
  });
}

function sortKey(written: string): string {
  if (Object.hasOwn(SORT_KEYS, written)) return written;
  throw new InvalidArgumentError(`There are ${Object.keys(SORT_KEYS).join(", ")}.`);
}

class Top {
  private readonly options: TopOptions;
  private readonly live: boolean;
  private readonly end = new AbortController();
  private sort: string;
  private kernel: Kernel | undefined;
  private picture = "";
  private nextAt = 0;

  constructor(options: TopOptions) {
    this.options = options;
    this.sort = options.sort;
    this.live = options.once === undefined && process.stdout.isTTY === true;
  }

  async show(signal: AbortSignal): Promise<void> {
    signal.addEventListener("abort", () => this.end.abort());
    this.listen(true);
    try {
      const progress = (_: unknown, run: StressRun): void => this.look(run.kernel);
      const outcome = await stress(this.stressOptions(), { signal: this.end.signal, progress });
      if (outcome.failure !== undefined) {
        console.error(`slablab: ${outcome.failure.class}: ${outcome.failure.message}`);
        process.exitCode = EXIT.FOUND;
      }
    } finally {
      this.listen(false);
    }
    if (!this.live) process.stdout.write(this.picture);
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
    this.kernel = kernel;
    if (performance.now() < this.nextAt) return;
    this.nextAt = performance.now() + (this.live ? this.options.delay * 1000 : 0);
    this.draw();
  }

  private draw(): void {
    const { kernel } = this;
    if (kernel === undefined) return;
    const lines = this.live ? (process.stdout.rows ?? 24) - HEADER_LINES - 1 : ANY_HEIGHT;
    const rows = rowsOf(kernel);
    if (rows === undefined) return;
    this.picture = slabtopScreen(rows, this.sort, lines);
    if (this.live) process.stdout.write(`${CLEAR}${this.picture}`);
  }

  private listen(on: boolean): void {
    if (!this.live || process.stdin.isTTY !== true) return;
    process.stdin.setRawMode(on);
    if (on) process.stdin.on("data", this.onKey).resume();
    else process.stdin.off("data", this.onKey).pause();
  }

  private readonly onKey = (data: Buffer): void => {
    const key = data.toString();
    // In raw mode Ctrl-C is a key like any other.
    if (key === "q" || key === "\u0003") this.end.abort();
    else if (Object.hasOwn(SORT_KEYS, key)) this.sort = key;
    // The next glance at the run, a fraction of a second away, draws.
    this.nextAt = 0;
  };
}

/** The rows, or undefined where no CPU came free in time. */
function rowsOf(kernel: Kernel): SlabinfoRow[] | undefined {
  try {
    return kernel.run(() => slabinfoRows(kernel), -1, PATIENCE_MS);
  } catch (error) {
    if (error instanceof KernelBug) return undefined;
    throw error;
  }
}
