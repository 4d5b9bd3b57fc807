// SPDX-License-Identifier: GPL-2.0-only
/**
 * Searches over programs instead of schedules: small programs of two or three contexts, each explored
 * under small bounds. Two of three programs are cells of the matrix of pairs; the others are random, or
 * changes of one that met a conflicting pair of accesses that no program before it had met.
 *
 * Program `n` of a seed is a function of seed, shard and the programs before it in its shard, so the
 * same seed and number of programs give the same answer.
 */
import { Budget } from "../../explore/budget.ts";
import { Engine, type Program } from "../../explore/engine.ts";
import { type ExploreResult, explore } from "../../explore/explore.ts";
import { kindName } from "../../explore/kinds.ts";
import { Describer } from "../../explore/names.ts";
import { samplerOf } from "../../explore/portfolio.ts";
import { prepare } from "../../explore/program.ts";
import { RandomStream } from "../../explore/random.ts";
import { searchBound, searchWith } from "../../explore/search.ts";
import type { MemoryModel } from "../../explore/store-buffers.ts";
import type { Change } from "../../kernel/classes.ts";
import { KernelBug } from "../../machine/kernel-bug.ts";
import { type SlabScenario, scenarioOf, task } from "../scenario.ts";
import { type Genome, Genomes } from "./genome.ts";
import type { Habitat } from "./habitat.ts";

export interface FuzzOptions {
  readonly habitats: readonly Habitat[];
  /** What is made of the allocator: an era, a mutation. */
  readonly change: Change;
  readonly seed: number;
  /** Of `shards` searches this one runs the programs whose number has the remainder `shard`. */
  readonly shard: number;
  readonly shards: number;
  /** Limits: programs of all shards, CPU seconds of this one. */
  readonly programs: number;
  readonly seconds: number;
  /** The largest preemption bound of a program. */
  readonly preemptions: number;
  readonly dataRaces: boolean;
  /** When other CPUs see a store. */
  readonly memory: MemoryModel;
  /** Hears of the progress after each program. */
  readonly progress?: (progress: FuzzProgress) => void;
}

export interface FuzzProgress {
  readonly programs: number;
  readonly schedules: number;
  /** Programs that were explored completely to each bound. */
  readonly complete: readonly number[];
  /** Different conflicting pairs of accesses that were met, each by field and kind. */
  readonly pairs: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
}

export interface FuzzFailure {
  /** Its operations are no more than the failure needs. */
  readonly scenario: SlabScenario;
  /** Number of the program. */
  readonly program: number;
  readonly result: ExploreResult;
}

export interface FuzzResult extends FuzzProgress {
  readonly failure: FuzzFailure | undefined;
}

/** Preemptions of every program; more are for programs that meet a new pair of accesses. */
const SHALLOW = 1;
/** Schedules that a bound of one program may take; where they do not suffice, samples follow. */
const MOST_SCHEDULES = 1000;
const MOST_DEEP_SCHEDULES = 3000;
const SAMPLES = 100;
/** Of all schedules this share may be of programs that are explored deeper. */
const DEEP_SHARE = 0.4;
/** Programs that are remembered for what they have shown. */
const MOST_KEPT = 2000;

export function fuzz(options: FuzzOptions): FuzzResult {
  return new Fuzzer(options).run();
}

/** New is a pair of accesses that no program before had met. */
type Shown = "failure" | "something new" | "nothing";

/** A program that has shown something new. */
interface Promising {
  readonly number: number;
  readonly scenario: SlabScenario;
}

class Fuzzer {
  private readonly options: FuzzOptions;
  private readonly random = new RandomStream();
  private readonly genomes: Genomes;
  private readonly budget: Budget;
  private readonly kept: Genome[] = [];
  /** Programs that are to be explored deeper, in the order found. */
  private readonly promising: Promising[] = [];
  private deepSchedules = 0;
  private readonly pairs = new Set<string>();
  private readonly complete: number[];
  private programs = 0;

  constructor(options: FuzzOptions) {
    this.options = options;
    this.genomes = new Genomes(options.habitats, this.random);
    this.budget = new Budget(Number.POSITIVE_INFINITY, options.seconds);
    this.complete = Array.from({ length: options.preemptions + 1 }, () => 0);
  }

  run(): FuzzResult {
    const { shard, shards, programs } = this.options;
    for (let number = shard; number < programs && !this.budget.isSpent(); number += shards) {
      const failure = this.tryProgram(number) ?? this.lookDeeper();
      if (failure !== undefined) return { ...this.progress(), failure };
    }
    return { ...this.progress(), failure: undefined };
  }

  /** Explores programs that have shown something new with more preemptions, in turn with new ones. */
  private lookDeeper(): FuzzFailure | undefined {
    const { budget, promising, options } = this;
    while (!budget.isSpent() && this.deepSchedules < budget.schedules * DEEP_SHARE) {
      const next = promising.shift();
      if (next === undefined) return undefined;
      const before = budget.schedules;
      const engine = new Engine(this.prepared(next.scenario));
      if (this.failsUpTo(engine, SHALLOW + 1, options.preemptions)) {
        return this.failureOf(next.scenario, next.number);
      }
      this.deepSchedules += budget.schedules - before;
    }
    return undefined;
  }

  private prepared(scenario: SlabScenario): Program {
    const { change, memory } = this.options;
    return prepare(scenarioOf(scenario, change, memory));
  }

  private progress(): FuzzProgress {
    const { programs, pairs, complete, budget } = this;
    const { schedules, secondsElapsed: seconds, cpuSecondsElapsed: cpuSeconds } = budget;
    const counts = { programs, schedules, pairs: pairs.size, complete: [...complete] };
    return { ...counts, seconds, cpuSeconds };
  }

  private tryProgram(number: number): FuzzFailure | undefined {
    const { genomes, options } = this;
    this.random.restart(options.seed, number);
    const genome = this.genomeOf(number);
    const scenario = genomes.scenario(genome, `fuzz-${options.seed}-${number}`);
    if (scenario === undefined) return undefined;
    this.programs++;
    try {
      const shown = options.dataRaces ? this.races(scenario) : this.explored(scenario);
      if (shown === "failure") return this.failureOf(scenario, number);
      if (shown === "something new") this.keep(genome, { number, scenario });
    } catch (error) {
      // A schedule that fails is an answer; an error comes from set-up.
      if (!(error instanceof KernelBug)) throw error;
      return this.failureOf(setUpAlone(scenario), number);
    }
    this.options.progress?.(this.progress());
    return undefined;
  }

  /** Explores the program with few preemptions. */
  private explored(scenario: SlabScenario): Shown {
    const program = this.prepared(scenario);
    const most = Math.min(this.options.preemptions, SHALLOW);
    if (this.failsUpTo(new Engine(program), 0, most)) return "failure";
    return this.showsNewPairs(program) ? "something new" : "nothing";
  }

  private keep(genome: Genome, promising: Promising): void {
    if (this.kept.length < MOST_KEPT) this.kept.push(genome);
    if (this.options.preemptions > SHALLOW) this.promising.push(promising);
  }

  private genomeOf(number: number): Genome {
    const { genomes, kept, random, options } = this;
    const turn = Math.floor(number / options.shards);
    if (turn % 3 !== 2) return genomes.cell((number + options.seed * 7919) % genomes.cells);
    const base = kept.length === 0 || turn % 2 === 0 ? undefined : kept[random.below(kept.length)];
    return base === undefined ? genomes.any() : genomes.changed(base);
  }

  private failsUpTo(engine: Engine, least: number, most: number): boolean {
    for (let bound = least; bound <= most; bound++) {
      const budget = this.atMost(bound > SHALLOW ? MOST_DEEP_SCHEDULES : MOST_SCHEDULES);
      const { hit, complete } = searchBound(engine, bound, { budget }, { prunes: true });
      this.count(budget.schedules, budget.steps);
      if (hit !== undefined) return true;
      if (!complete) return this.failsSampled(engine);
      (this.complete[bound] as number)++;
      if (engine.memory.sharing.conflicts().length === 0) return false;
    }
    return false;
  }

  /** So many schedules, in the time that is left: one program may take longer than all before it. */
  private atMost(schedules: number): Budget {
    return new Budget(schedules, this.options.seconds - this.budget.cpuSecondsElapsed);
  }

  /** A search that is cut short has seen only switches near the end of an operation. */
  private failsSampled(engine: Engine): boolean {
    const budget = this.atMost(SAMPLES);
    const { hit } = searchWith(engine, samplerOf("pct", this.programs), { budget });
    this.count(budget.schedules, budget.steps);
    return hit !== undefined;
  }

  /** Also looks for data races: every schedule is then run to its end, so there are fewer. */
  private races(scenario: SlabScenario): Shown {
    const search = { strategy: "bound", preemptions: SHALLOW, schedules: MOST_SCHEDULES } as const;
    const on = scenarioOf(scenario, this.options.change);
    const explored = explore({ ...on, search, dataRaces: true });
    this.count(explored.schedules, explored.steps);
    return explored.failure === undefined ? "nothing" : "failure";
  }

  private count(schedules: number, steps: number): void {
    this.budget.schedules += schedules;
    this.budget.steps += steps;
  }

  private showsNewPairs({ memory, world }: Program): boolean {
    const names = new Describer(world);
    const before = this.pairs.size;
    for (const { address, kinds } of memory.sharing.conflicts()) {
      const { field } = names.describe(address);
      this.pairs.add(`${field} ${kinds.map(kindName).sort().join()}`);
    }
    return this.pairs.size > before;
  }

  /** The failure once more, with the fewest preemptions and only the operations that it needs. */
  private failureOf(scenario: SlabScenario, program: number): FuzzFailure {
    const { preemptions, dataRaces, change, memory } = this.options;
    const search = { preemptions, schedules: 5 * MOST_DEEP_SCHEDULES, seed: program };
    const found = explore({ ...scenarioOf(scenario, change, memory), search, dataRaces });
    const smaller = withoutOperations(scenario, leftOutOf(found));
    const result = explore({ ...scenarioOf(smaller, change, memory), search, dataRaces });
    return { scenario: result.failure === undefined ? scenario : smaller, program, result };
  }
}

/** Operations that a token leaves out, as `context.operation`. */
function leftOutOf({ failure }: ExploreResult): ReadonlySet<string> {
  const [, name = ""] = failure?.token?.split(":") ?? [];
  return new Set(name.split("~").slice(1));
}

function withoutOperations(scenario: SlabScenario, left: ReadonlySet<string>): SlabScenario {
  const contexts = scenario.contexts
    .map((context, at) => ({
      ...context,
      operations: context.operations.filter((_, index) => !left.has(`${at}.${index}`)),
    }))
    .filter(({ operations }) => operations.length > 0);
  return { ...scenario, contexts };
}

/** The set-up of a scenario as its tasks, one a CPU. */
function setUpAlone(scenario: SlabScenario): SlabScenario {
  const cpus = [...new Set(scenario.setup.map(({ cpu }) => cpu))];
  const contexts = cpus.map((cpu) => {
    const own = scenario.setup.filter((one) => one.cpu === cpu);
    return task(`S${cpu}`, cpu, ...own.map(({ step }) => step));
  });
  return { ...scenario, setup: [], contexts };
}
