// SPDX-License-Identifier: GPL-2.0-only
/**
 * The subject of a command or a worker, as plain data: a scenario by name, by exhibit or as text, and
 * the allocator it runs on.
 */
import { ALLOCATORS, type AllocatorName } from "../caches/flags.ts";
import {
  DEFAULT_KERNEL,
  type Era,
  KERNEL_VERSIONS,
  type KernelVersion,
  since,
} from "../caches/kernel-version.ts";
import type { Scenario } from "../explore/program.ts";
import type { MemoryModel } from "../explore/store-buffers.ts";
import { type Change, classesFor, whyItCannotRun } from "../kernel/classes.ts";
import { eraChange } from "../kernel/era.ts";
import type { Laboratory } from "../laboratory/laboratory.ts";
import { blaming, type Mutation, mutate, NoMutation } from "../laboratory/mutation.ts";
import { parseScenario } from "../laboratory/parse.ts";
import { type SlabScenario, scenarioOf, whyUnfit } from "../laboratory/scenario.ts";
import type { Bound } from "../laboratory/steps.ts";
import { exhibit } from "./bugs/index.ts";
import { loadMutation } from "./mutations.ts";
import { brokenScenario } from "./prove.ts";
import { scenarios } from "./scenarios.ts";

export interface Subject {
  /** Name of a scenario, id of an exhibit, or the name of the file that `text` is from. */
  readonly scenario: string;
  readonly text?: string | undefined;
  /** Id of a mutation, or the path of a module that exports one. */
  readonly mutation?: string | undefined;
  readonly era?: Era | undefined;
  /** Instead of the scenario's own. */
  readonly allocator?: AllocatorName | undefined;
  readonly kernel?: KernelVersion | undefined;
  /** When the other CPUs see a store; default `sc`, at once. */
  readonly memory?: MemoryModel | undefined;
}

/** In place of a scenario's name: all scenarios, one after the other. */
export const ALL = "all";

/** There is no such scenario. */
export class NoScenario extends Error {}

/**
 * The subject itself; for `all`, each scenario that must pass, is for the allocator and kernel
 * that are named, and runs what the mutation changes. @throws NoScenario, NoMutation
 */
export async function subjectsOf(subject: Subject): Promise<[Subject, ...Subject[]]> {
  const { scenario, text, mutation, era = "fixed", allocator, kernel } = subject;
  if (scenario !== ALL || text !== undefined) return [subject];
  const fit = [...scenarios.values()].filter(
    (made) =>
      !made.name.endsWith("unchecked") &&
      (allocator ?? allocatorOf(made)) === allocatorOf(made) &&
      (kernel === undefined || isFor(kernel, made)),
  );
  const moved = fit.map((made) => onKernel(made, kernel));
  const changed =
    mutation === undefined ? moved : changedBy(await loadMutation(mutation), era, moved);
  const [first, ...others] = changed.map(({ name }) => ({ ...subject, scenario: name }));
  if (first === undefined) {
    const wanted = [allocator, kernel].filter((word) => word !== undefined).join(" of ");
    throw new NoScenario(`no scenario is made for ${wanted}`);
  }
  return [first, ...others];
}

function onKernel(made: SlabScenario, kernel: KernelVersion | undefined): SlabScenario {
  return kernel === undefined ? made : { ...made, machine: { ...made.machine, kernel } };
}

const allocatorOf = ({ machine }: SlabScenario): AllocatorName => machine.allocator ?? "slub";

/**
 * Whether a scenario was made for the kernel, or tells the same of it: one with cpu slabs, or SLAB, of
 * an earlier kernel; one with sheaves of a later kernel, if its cache asks for them. All verbs must exist.
 */
function isFor(kernel: KernelVersion, made: SlabScenario): boolean {
  const { kernel: own = DEFAULT_KERNEL, sheafCapacity } = made.machine;
  if (own === kernel) return true;
  const haveCpuSlabs = !since(kernel, "7.0") && !since(own, "7.0");
  const isEarlier = haveCpuSlabs && since(kernel, own);
  const haveSheaves = since(kernel, "6.18") && since(own, "6.18") && sheafCapacity !== undefined;
  return (isEarlier || haveSheaves) && whyUnfit(onKernel(made, kernel)) === undefined;
}

/** The scenarios whose classes the mutation changes. @throws NoMutation where there are none. */
function changedBy(mutation: Mutation, era: Era, fit: readonly SlabScenario[]): SlabScenario[] {
  const refusals: NoMutation[] = [];
  const changed = fit.filter(({ machine: { allocator = "slub", kernel = DEFAULT_KERNEL } }) => {
    try {
      mutate(mutation, eraChange(era, kernel)(classesFor(allocator, kernel)));
      return true;
    } catch (error) {
      if (!(error instanceof NoMutation)) throw error;
      refusals.push(error);
      return false;
    }
  });
  if (changed.length === 0 && refusals[0] !== undefined) throw refusals[0];
  return changed;
}

/** @throws NoScenario, ScenarioError, NoMutation */
export async function scenarioOfSubject(subject: Subject): Promise<Scenario<Laboratory, Bound>> {
  const { scenario, text, mutation, era = "fixed", allocator, kernel, memory = "sc" } = subject;
  const shown = text === undefined ? exhibit(scenario) : undefined;
  if (shown !== undefined && mutation === undefined) {
    const own = Object.entries({ era: subject.era, allocator, kernel });
    const [given] = own.find(([, value]) => value !== undefined) ?? [];
    if (given !== undefined) {
      throw new NoScenario(
        `exhibit ${shown.id} has its own ${given}; to choose another, name a scenario or a mutation`,
      );
    }
    return brokenScenario(shown);
  }
  const found = text === undefined ? named(scenario) : parseScenario(scenario, text);
  const machine = { ...found.machine };
  const own = allocator === undefined ? machine : { ...machine, allocator };
  const on = kernel === undefined ? own : { ...own, kernel };
  const change = await changeOf({ mutation, era, kernel: on.kernel });
  const wanted = scenarioOf({ ...found, machine: on }, change, memory);
  if (mutation === undefined) return wanted;
  const { world } = wanted;
  return { ...wanted, world: () => blaming(mutation, "no machine boots with it", world) };
}

/** What era and mutation make of the allocator. @throws NoMutation */
export async function changeOf({
  mutation,
  era = "fixed",
  kernel = DEFAULT_KERNEL,
}: Pick<Subject, "mutation" | "era" | "kernel">): Promise<Change> {
  const broken = mutation === undefined ? undefined : await loadMutation(mutation);
  const past = eraChange(era, kernel);
  return (classes) => {
    const older = past(classes);
    return broken === undefined ? older : mutate(broken, older);
  };
}

/**
 * The allocator and kernel to run where not both are given: the first that the mutation changes.
 * @throws NoMutation where it changes none of them.
 */
export async function groundOf(
  subject: Pick<Subject, "mutation" | "era" | "allocator" | "kernel">,
): Promise<{ readonly allocator: AllocatorName; readonly kernel: KernelVersion }> {
  const { allocator, kernel } = subject;
  const change = await changeOf(subject);
  const grounds = (allocator === undefined ? ALLOCATORS : [allocator]).flatMap((allocator) =>
    (kernel === undefined ? KERNEL_VERSIONS : [kernel]).map((kernel) => ({ allocator, kernel })),
  );
  let refusal: unknown;
  for (const ground of grounds) {
    const why = whyItCannotRun(ground.allocator, ground.kernel);
    if (why !== undefined) {
      refusal ??= new NoMutation(why);
      continue;
    }
    try {
      change(classesFor(ground.allocator, ground.kernel));
      return ground;
    } catch (error) {
      if (!(error instanceof NoMutation)) throw error;
      refusal ??= error;
    }
  }
  throw refusal;
}

function named(name: string): SlabScenario {
  const found = scenarios.get(name) ?? exhibit(name)?.scenario;
  if (found !== undefined) return found;
  const known = [...scenarios.values()].map(({ name, story }) => `  ${name.padEnd(26)}${story}`);
  throw new NoScenario(
    `no scenario ${name}; name a file, an exhibit, or one of\n${known.join("\n")}`,
  );
}
