// SPDX-License-Identifier: GPL-2.0-only
/**
 * A scenario over a real allocator, in ten typed lines or as a text file (parse.ts):
 *
 *     export const remoteFree: SlabScenario = {
 *       name: "remote-free",
 *       story: "CPU 1 frees into the slab that CPU 0 gives up.",
 *       machine: { cpus: 2 },
 *       setup: [on(0, alloc("a", 4))],
 *       contexts: [task("A", 0, flush()), task("B", 1, free("a.0"))],
 *     };
 *
 * Always checked: every object by the ledger, the CPUs' slabs after each operation, everything at the
 * end (verdict.ts).
 */

import type { Counted } from "../caches/event-counts.ts";
import type { AllocatorName } from "../caches/flags.ts";
import { DEFAULT_KERNEL, type Release, since } from "../caches/kernel-version.ts";
import type { ContextSpec, Given, Operation } from "../explore/context.ts";
import type { Scenario } from "../explore/program.ts";
import type { MemoryModel } from "../explore/store-buffers.ts";
import { whyNoKasan, whyNoKfence } from "../kernel/boot-options.ts";
import { type Change, whyItCannotRun } from "../kernel/classes.ts";
import type { Address } from "../machine/memory.ts";
import { GFP_ATOMIC, GFP_KERNEL } from "../pages/gfp.ts";
import { type Equipment, Laboratory, type LaboratoryOptions } from "./laboratory.ts";
import { parseReference } from "./references.ts";
import { runStep } from "./run-step.ts";
import { type Bound, type Names, type Step, stepText } from "./steps.ts";
import { auditQuiet, checkCpus, type EndsEmpty } from "./verdict.ts";

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
  /** In the end the cache must have no slab left. Default: not checked. */
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

/** The result of an operation: the objects that it has named. */
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

/** @throws RangeError if no object has that name. */
function objectsNamed(reference: string, known: readonly Bound[]): Address[] {
  const { name = "", range } = parseReference(reference) ?? {};
  const objects = known.findLast((bound) => Object.hasOwn(bound, name))?.[name];
  if (objects === undefined) throw new RangeError(`no object is called "${reference}"`);
  const [first, last] = range ?? [0, objects.length - 1];
  return objects.slice(first, last + 1).filter((at) => at !== 0);
}

function runSteps(
  lab: Laboratory,
  steps: readonly Step[],
  known: readonly Bound[],
  gfp: number,
): Bound {
  let bound: Bound = {};
  for (const step of steps) {
    const names: Names = (reference) => objectsNamed(reference, [...known, bound]);
    bound = { ...bound, ...runStep(lab, step, names, gfp) };
  }
  return bound;
}

interface OperationOptions {
  /** GFP_ flags of its allocations. */
  readonly gfp: number;
  readonly isNeeded: boolean;
}

function operationOf(
  steps: readonly Step[],
  { gfp, isNeeded }: OperationOptions,
): Operation<Laboratory, Bound> {
  return {
    isNeeded,
    name: steps.map(stepText).join("; "),
    run: (lab: Laboratory, { setup, results }: Given<Bound>) => {
      const earlier = results.filter((result) => result instanceof Result);
      const known = [setup, ...earlier.map(({ bound }) => bound)];
      return new Result(runSteps(lab, steps, known, gfp));
    },
  };
}

function contextOf(
  context: SlabContext,
  endsEmpty: EndsEmpty | undefined,
): ContextSpec<Laboratory, Bound> {
  const { name, cpu, kind, migrates, operations } = context;
  // Without the scenario's own frees and flushes a cache would not be empty by itself.
  const isNeeded = endsEmpty === "by itself";
  // An interrupt may not sleep.
  const gfp = kind === "interrupt" ? GFP_ATOMIC : GFP_KERNEL;
  return {
    name,
    cpu,
    kind,
    migrates,
    operations: operations.map((steps) => operationOf(steps, { gfp, isNeeded })),
  };
}

/** @throws RangeError if a context is on a CPU that a step takes offline. */
function refuseHomeless({ name, contexts }: SlabScenario): void {
  const steps = contexts.flatMap(({ operations }) => operations.flat());
  const gone = steps.flatMap((step) =>
    step.verb === "cpu-offline" || step.verb === "cpu-online" ? [step.cpu] : [],
  );
  const homeless = contexts.find(({ cpu, migrates }) => migrates || gone.includes(cpu));
  if (gone.length === 0 || homeless === undefined) return;
  throw new RangeError(
    `scenario ${name}: ${homeless.name} may be on CPU ${gone.join(", ")}, which goes offline; ` +
      "explored contexts do not move away",
  );
}

function stepsOf({ setup, contexts }: SlabScenario): Step[] {
  const ofContexts = contexts.flatMap(({ operations }) => operations.flat());
  return [...setup.map(({ step }) => step), ...ofContexts];
}

function equipmentFor(scenario: SlabScenario, memory: MemoryModel): Equipment {
  const steps = stepsOf(scenario);
  const verbs = new Set(steps.map(({ verb }) => verb));
  return {
    // By chance other nodes are not searched for an object that must be found.
    chance: !steps.some((step) => step.verb === "alloc" && step.wish === "must"),
    faults: verbs.has("fail-slab") || verbs.has("fail-page"),
    groups: verbs.has("group"),
    kmemleak: verbs.has("leak-scan") || verbs.has("not-leak"),
    mailbox: verbs.has("hand") || verbs.has("take"),
    reserves: verbs.has("min-free"),
    policies: verbs.has("mempolicy") || verbs.has("mems"),
    contexts: scenario.contexts.map(({ name }) => name),
    nodesGo: verbs.has("node-offline"),
    readers: verbs.has("rcu-look") && verbs.has("kfree-rcu"),
    memory,
  };
}

/**
 * A list may still be longer than a limit that was lowered when it has been pushed to. A cpu_partial of 0
 * holds at once, since writing it flushes; min_partial takes nothing off a node's list.
 */
function lowersLimits(scenario: SlabScenario): boolean {
  return stepsOf(scenario).some(
    (step) =>
      step.verb === "write" &&
      (step.attribute === "min_partial" ||
        (step.attribute === "cpu_partial" && step.value !== "0")),
  );
}

/** The world of a scenario. @throws RangeError if a step names a file of sysfs that there is not. */
function laboratoryFor(scenario: SlabScenario, change: Change, memory: MemoryModel): Laboratory {
  const lab = new Laboratory(scenario.machine, change, equipmentFor(scenario, memory));
  for (const step of stepsOf(scenario)) {
    if (step.verb !== "read" && step.verb !== "write") continue;
    if (!lab.system.observer.attributes.has(step.attribute)) {
      throw new RangeError(`scenario ${scenario.name}: there is no file ${step.attribute}`);
    }
  }
  return lab;
}

/** Verbs of one allocator only. */
const ONLY: Readonly<Partial<Record<Step["verb"], AllocatorName>>> = {
  "flush-cpu": "slub",
  "keep-none": "slub",
  read: "slub",
  write: "slub",
  reap: "slab",
  tune: "slab",
};

/** The release of Linux that took what a verb does away. */
const UNTIL: Readonly<Partial<Record<Step["verb"], Release>>> = {
  "keep-none": "5.9",
  "flush-cpu": "7.0",
};

/** @throws RangeError if a step names a task that is not there. */
function refuseStrangers(scenario: SlabScenario): void {
  for (const step of stepsOf(scenario)) {
    if (step.verb !== "mems") continue;
    if (scenario.contexts.some(({ name, kind }) => kind === "task" && name === step.task)) continue;
    throw new RangeError(`scenario ${scenario.name}: no task is called ${step.task}`);
  }
}

/** Why a scenario cannot run on its machine: no such allocator, or none with a verb of the scenario. */
export function whyUnfit(scenario: SlabScenario): string | undefined {
  const { name, machine } = scenario;
  const { allocator = "slub", kernel = DEFAULT_KERNEL } = machine;
  const why = whyItCannotRun(allocator, kernel);
  if (why !== undefined) return `${why}; explore that of ${DEFAULT_KERNEL}, or SLAB`;
  const checked =
    (machine.kasan && whyNoKasan({ allocator, kernel, config: [] })) ||
    (machine.kfence && whyNoKfence(kernel));
  if (checked) return `scenario ${name}: ${checked}`;
  const steps = stepsOf(scenario);
  const foreign = steps.find(({ verb }) => (ONLY[verb] ?? allocator) !== allocator);
  if (foreign !== undefined) return `scenario ${name}: ${allocator} has no "${foreign.verb}"`;
  const gone = steps.find(({ verb }) => {
    const release = UNTIL[verb];
    return release !== undefined && since(kernel, release);
  });
  return gone && `scenario ${name}: ${allocator} of Linux ${kernel} has no "${gone.verb}"`;
}

/** @throws RangeError */
function refuseUnfit(scenario: SlabScenario): void {
  const why = whyUnfit(scenario);
  if (why !== undefined) throw new RangeError(why);
}

const IN_CHAINS = ["bulk-alloc", "bulk-free", "kfree-rcu"] as const;
const UNMET = ["fail-slab", "fail-page", "group", "mems", "min-free", "node-offline"] as const;
const GIVING_BACK = ["shrink", "keep-none", "destroy", "node-offline", "reap"] as const;

/** What the event counts tell of in the end. A file of sysfs may clear them, and code do anything. */
function countedIn(scenario: SlabScenario): Counted | undefined {
  const verbs: ReadonlySet<string> = new Set(stepsOf(scenario).map(({ verb }) => verb));
  const hasAny = (some: readonly Step["verb"][]): boolean => some.some((verb) => verbs.has(verb));
  if (hasAny(["write", "call"])) return undefined;
  const objects = hasAny(IN_CHAINS) || hasAny(UNMET) ? "roughly" : "each";
  return { objects, slabs: !hasAny(GIVING_BACK) };
}

/**
 * The scenario on an allocator changed by `change`, ready for the explorer. @throws RangeError if a
 * context is on a CPU that a step takes offline, or the allocator does not have a verb.
 */
export function scenarioOf(
  scenario: SlabScenario,
  change: Change = (classes) => classes,
  memory: MemoryModel = "sc",
): Scenario<Laboratory, Bound> {
  const { endsEmpty } = scenario;
  const interrupted = scenario.contexts.some(({ kind }) => kind === "interrupt");
  const limited = memory === "sc" && !interrupted && !lowersLimits(scenario);
  const counted = countedIn(scenario);
  refuseUnfit(scenario);
  refuseHomeless(scenario);
  refuseStrangers(scenario);
  return {
    name: scenario.name,
    world: () => laboratoryFor(scenario, change, memory),
    setup: (lab) => {
      let bound: Bound = {};
      for (const { cpu, step } of scenario.setup) {
        bound = {
          ...bound,
          ...lab.memory.runAs(cpu, () => runSteps(lab, [step], [bound], GFP_KERNEL)),
        };
      }
      lab.memory.runAs(0, () => lab.settled());
      return bound;
    },
    contexts: scenario.contexts.map((context) => contextOf(context, endsEmpty)),
    check: {
      afterEach: checkCpus,
      atEnd: (lab, _, { inTurn }) =>
        auditQuiet(lab, { endsEmpty, interrupted, limited, inTurn, counted }),
    },
  };
}
