/**
 * A scenario over a real allocator, as ten typed lines or a text file (parse.ts) say it:
 *
 *     export const remoteFree: SlabScenario = {
 *       name: "remote-free",
 *       story: "CPU 1 frees into the slab that CPU 0 gives up.",
 *       machine: { cpus: 2 },
 *       setup: [on(0, alloc("a", 4))],
 *       contexts: [task("A", 0, flush()), task("B", 1, free("a.0"))],
 *     };
 *
 * Checked without being asked for: every object by the ledger, the CPUs' slabs after each operation,
 * everything at the end (verdict.ts).
 */

import type { AllocatorName } from "../caches/flags.ts";
import { DEFAULT_KERNEL } from "../caches/kernel-version.ts";
import type { ContextSpec, Given, Operation } from "../explore/context.ts";
import type { Scenario } from "../explore/program.ts";
import type { Change } from "../kernel/classes.ts";
import { whyItCannotRun } from "../kernel/classes.ts";
import type { Address } from "../machine/memory.ts";
import { Laboratory, type LaboratoryOptions } from "./laboratory.ts";
import { parseReference } from "./references.ts";
import { type Bound, type Names, runStep, type Step, stepText } from "./steps.ts";
import { auditQuiet, checkCpuSlabs, type EndsEmpty } from "./verdict.ts";

/** Steps on one CPU, before exploration. */
export interface SetupStep {
  readonly cpu: number;
  readonly step: Step;
}

export interface SlabContext {
  readonly name: string;
  readonly cpu: number;
  readonly kind: "task" | "interrupt";
  readonly migrates: boolean;
  /** Each operation is one or more steps. */
  readonly operations: readonly (readonly Step[])[];
}

export interface SlabScenario {
  /** Letters, digits, `-`. */
  readonly name: string;
  /** One sentence. */
  readonly story: string;
  readonly machine: LaboratoryOptions;
  readonly setup: readonly SetupStep[];
  readonly contexts: readonly SlabContext[];
  /** In the end the cache must have no slab left. Default: nothing is said of that. */
  readonly endsEmpty?: EndsEmpty | undefined;
}

/** Steps of set-up, as CPU `cpu`. */
export function on(cpu: number, ...steps: Step[]): SetupStep[] {
  return steps.map((step) => ({ cpu, step }));
}

type Part = Step | readonly Step[];

const operationsOf = (parts: readonly Part[]): (readonly Step[])[] =>
  parts.map((part) => ("verb" in part ? [part] : part));

/** A task; several steps in one array are one operation. */
export function task(name: string, cpu: number, ...parts: Part[]): SlabContext {
  return { name, cpu, kind: "task", migrates: false, operations: operationsOf(parts) };
}

/** A task that may be moved to another CPU. */
export function migratableTask(name: string, cpu: number, ...parts: Part[]): SlabContext {
  return { ...task(name, cpu, ...parts), migrates: true };
}

/** Interrupts, one for each operation. */
export function interrupt(name: string, cpu: number, ...parts: Part[]): SlabContext {
  return { ...task(name, cpu, ...parts), kind: "interrupt" };
}

/** What an operation returns: the objects it has named. */
class Result {
  readonly bound: Bound;

  constructor(bound: Bound) {
    this.bound = bound;
  }

  toString(): string {
    return Object.entries(this.bound)
      .map(
        ([name, objects]) => `${name} = ${objects.map((at) => `0x${at.toString(16)}`).join(", ")}`,
      )
      .join("; ");
  }
}

/** @throws RangeError where nothing has that name. */
function lookUp(reference: string, known: readonly Bound[]): Address[] {
  const { name = "", range } = parseReference(reference) ?? {};
  const objects = known.findLast((bound) => Object.hasOwn(bound, name))?.[name];
  if (objects === undefined) throw new RangeError(`nothing is called "${reference}"`);
  const [first, last] = range ?? [0, objects.length - 1];
  return objects.slice(first, last + 1).filter((at) => at !== 0);
}

function runSteps(
  lab: Laboratory,
  steps: readonly Step[],
  known: readonly Bound[],
  atomic: boolean,
): Bound {
  let bound: Bound = {};
  for (const step of steps) {
    const names: Names = (reference) => lookUp(reference, [...known, bound]);
    bound = { ...bound, ...runStep(lab, step, names, atomic) };
  }
  return bound;
}

function operationOf(
  steps: readonly Step[],
  atomic: boolean,
  isNeeded: boolean,
): Operation<Laboratory, Bound> {
  return {
    isNeeded,
    name: steps.map(stepText).join("; "),
    run: (lab: Laboratory, { setup, results }: Given<Bound>) => {
      const earlier = results.filter((result) => result instanceof Result);
      const known = [setup, ...earlier.map(({ bound }) => bound)];
      return new Result(runSteps(lab, steps, known, atomic));
    },
  };
}

function contextOf(context: SlabContext, isNeeded: boolean): ContextSpec<Laboratory, Bound> {
  const { name, cpu, kind, migrates, operations } = context;
  return {
    name,
    cpu,
    kind,
    migrates,
    operations: operations.map((steps) => operationOf(steps, kind === "interrupt", isNeeded)),
  };
}

/** @throws RangeError where a context is of a CPU that a step takes away. */
function refuseHomeless({ name, contexts }: SlabScenario): void {
  const steps = contexts.flatMap(({ operations }) => operations.flat());
  const gone = steps.flatMap((step) => (step.verb === "cpu-offline" ? [step.cpu] : []));
  const homeless = contexts.find(({ cpu, migrates }) => migrates || gone.includes(cpu));
  if (gone.length === 0 || homeless === undefined) return;
  throw new RangeError(
    `scenario ${name}: ${homeless.name} may be on CPU ${gone.join(", ")}, which goes offline; ` +
      "explored contexts do not move away",
  );
}

/** Verbs that only one of the allocators has. */
const ONLY: Readonly<Partial<Record<Step["verb"], AllocatorName>>> = {
  "flush-cpu": "slub",
  "keep-none": "slub",
  read: "slub",
  write: "slub",
  reap: "slab",
  tune: "slab",
};

/** @throws RangeError where the allocator is not there, or has not what a step wants. */
function refuseUnfit({ name, machine, setup, contexts }: SlabScenario): void {
  const { allocator = "slub", kernel = DEFAULT_KERNEL } = machine;
  const why = whyItCannotRun(allocator, kernel);
  if (why !== undefined) throw new RangeError(`${why}; explore that of ${DEFAULT_KERNEL}, or SLAB`);
  const steps = [
    ...setup.map(({ step }) => step),
    ...contexts.flatMap(({ operations }) => operations.flat()),
  ];
  const unfit = steps.find(({ verb }) => (ONLY[verb] ?? allocator) !== allocator);
  if (unfit === undefined) return;
  throw new RangeError(`scenario ${name}: ${allocator} has no "${unfit.verb}"`);
}

/**
 * The scenario on an allocator with `change` made, ready for the explorer. @throws RangeError where a
 * context is of a CPU that a step takes away, or a step wants what the allocator has not.
 */
export function scenarioOf(
  scenario: SlabScenario,
  change: Change = (classes) => classes,
): Scenario<Laboratory, Bound> {
  const { endsEmpty } = scenario;
  refuseUnfit(scenario);
  refuseHomeless(scenario);
  return {
    name: scenario.name,
    world: () => new Laboratory(scenario.machine, change),
    setup: (lab) => {
      let bound: Bound = {};
      for (const { cpu, step } of scenario.setup) {
        bound = { ...bound, ...lab.memory.runAs(cpu, () => runSteps(lab, [step], [bound], false)) };
      }
      return bound;
    },
    // Without the scenario's own frees and flushes a cache would not be empty by itself.
    contexts: scenario.contexts.map((context) => contextOf(context, endsEmpty === "by itself")),
    check: {
      afterEach: checkCpuSlabs,
      atEnd: (lab) => auditQuiet(lab, endsEmpty),
    },
  };
}
