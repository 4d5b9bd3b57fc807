/**
 * How soon each slip is found. `node test/mutants/measure.ts [--stress 60] [NAME…] >> slips.jsonl` writes a
 * line for each slip and command, with the CPU seconds of one core; table.ts makes a table of them. A
 * command with the limit 0 is not tried. Each slip has a process of its own, in which nothing else is
 * started but the threads of `stress`.
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type Job, type JobAnswer, runFuzz, runSearch } from "../../src/museum/jobs.ts";
import { ALL, subjectsOf } from "../../src/museum/subject.ts";
import type { StressOptions } from "../../stress/options.ts";
import { stress } from "../../stress/run.ts";
import { few } from "../../stress/workloads/few.ts";
import { Explorers } from "../../workers/explorers.ts";
import type { Runner } from "../../workers/runner.ts";
import { MUTANTS, type Mutant } from "./mutants.ts";

export interface Measured {
  readonly name: string;
  readonly kind: Mutant["kind"];
  readonly command: "explore" | "fuzz" | "stress";
  /** The class of the failure; null: none was found in the time. */
  readonly found: string | null;
  readonly cpu: number;
}

const { values, positionals: names } = parseArgs({
  allowPositionals: true,
  options: {
    explore: { type: "string", default: "3" },
    fuzz: { type: "string", default: "5" },
    stress: { type: "string", default: "3" },
  },
});
/** CPU seconds; of `stress` seconds of all threads at work. */
const LIMITS = {
  explore: Number(values.explore),
  fuzz: Number(values.fuzz),
  stress: Number(values.stress),
};
const SEED = 1;

/** Jobs one after the other, in this thread. */
function inThisThread(): Runner {
  let last: Promise<unknown> = Promise.resolve();
  const perform = async (job: Job): Promise<JobAnswer> => {
    if (job.kind === "search") return runSearch(job, () => {});
    if (job.kind === "fuzz") return runFuzz(job, () => {});
    throw new Error(`no ${job.kind} is measured`);
  };
  return {
    run(job, signal) {
      const answer = last.then(() => {
        signal.throwIfAborted();
        return perform(job);
      });
      last = answer.catch(() => {});
      return answer;
    },
    close: async () => {},
  };
}

type Command = (mutant: Mutant) => Promise<{ readonly class: string } | undefined>;

const COMMANDS: Readonly<Record<Measured["command"], Command>> = {
  explore: async ({ allocator, kernel }) => {
    const subjects = await subjectsOf({
      scenario: ALL,
      allocator,
      kernel,
      era: "fixed",
      memory: "sc",
    });
    const search = {
      strategy: "portfolio",
      preemptions: 2,
      seed: SEED,
      prunes: true,
      seconds: LIMITS.explore,
    } as const;
    const explorers = new Explorers(1, inThisThread());
    const { failure } = await explorers.searchEach(subjects, { search, dataRaces: false });
    return failure;
  },
  fuzz: async ({ allocator, kernel }) => {
    const explorers = new Explorers(1, inThisThread());
    const answers = await explorers.fuzz({
      kind: "fuzz",
      allocator,
      kernel,
      era: "fixed",
      seed: SEED,
      preemptions: 2,
      seconds: LIMITS.fuzz,
      dataRaces: false,
      memory: "sc",
    });
    return answers.find((answer) => answer?.failure !== undefined)?.failure?.result.failure;
  },
  stress: async ({ allocator, kernel }) => {
    const options: StressOptions = {
      allocator,
      kernel,
      cpus: 3,
      nodes: 2,
      memory: 2 ** 25,
      seconds: LIMITS.stress,
      operations: undefined,
      workload: few.name,
      seed: SEED,
      ledger: true,
      mutation: undefined,
      era: "fixed",
      ...few.rates,
    };
    return (await stress(options)).failure;
  },
};

/** In a process that has loaded the slip. */
async function measure(mutant: Mutant): Promise<void> {
  for (const command of Object.keys(COMMANDS) as Measured["command"][]) {
    if (LIMITS[command] === 0) continue;
    const before = process.cpuUsage();
    const failure = await COMMANDS[command](mutant).catch((error: unknown) => ({
      class: `error: ${error instanceof Error ? error.message : error}`,
    }));
    const { user, system } = process.cpuUsage(before);
    const cpu = (user + system) / 1e6;
    const { name, kind } = mutant;
    const measured: Measured = { name, kind, command, found: failure?.class ?? null, cpu };
    console.log(JSON.stringify(measured));
  }
}

const own = MUTANTS.find(({ name }) => name === process.env.SLABLAB_MUTANT);
if (own !== undefined) {
  await measure(own);
} else {
  const limits = Object.entries(LIMITS).map(([command, seconds]) => `--${command}=${seconds}`);
  const preload = fileURLToPath(new URL("./mutate.ts", import.meta.url));
  for (const { name } of MUTANTS) {
    if (names.length > 0 && !names.includes(name)) continue;
    spawnSync(process.execPath, ["--import", preload, fileURLToPath(import.meta.url), ...limits], {
      env: { ...process.env, SLABLAB_MUTANT: name },
      stdio: "inherit",
      // A slip may have a thread run in circles.
      timeout: 120_000 + 1000 * (LIMITS.explore + LIMITS.fuzz + LIMITS.stress),
      killSignal: "SIGKILL",
    });
  }
}
