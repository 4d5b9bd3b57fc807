// SPDX-License-Identifier: GPL-2.0-only
/**
 * The subject of a command or a worker, as plain data: a scenario by name, by exhibit or as text, and
 * the allocator it runs on.
 */
import type { AllocatorName } from "../caches/flags.ts";
import { DEFAULT_KERNEL, type Era, type KernelVersion } from "../caches/kernel-version.ts";
import type { Scenario } from "../explore/program.ts";
import { classesFor } from "../kernel/classes.ts";
import { eraChange } from "../kernel/era.ts";
import type { Laboratory } from "../laboratory/laboratory.ts";
import { blaming, type Mutation, mutate, NoMutation } from "../laboratory/mutation.ts";
import { parseScenario } from "../laboratory/parse.ts";
import { type SlabScenario, scenarioOf } from "../laboratory/scenario.ts";
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
}

/** In place of a scenario's name: all scenarios, one after the other. */
export const ALL = "all";

/** There is no such scenario. */
export class NoScenario extends Error {}

/**
 * The subject itself; for `all`, each scenario that must pass, was made for the allocator and kernel
 * that are named, and runs what the mutation changes. @throws NoScenario, NoMutation
 */
export async function subjectsOf(subject: Subject): Promise<[Subject, ...Subject[]]> {
  const { scenario, text, mutation, era = "fixed", allocator, kernel } = subject;
  if (scenario !== ALL || text !== undefined) return [subject];
  const fit = [...scenarios.values()].filter(
    ({ name, machine }) =>
      !name.endsWith("unchecked") &&
      (allocator ?? machine.allocator ?? "slub") === (machine.allocator ?? "slub") &&
      (kernel ?? machine.kernel ?? DEFAULT_KERNEL) === (machine.kernel ?? DEFAULT_KERNEL),
  );
  const changed = mutation === undefined ? fit : changedBy(await loadMutation(mutation), era, fit);
  const [first, ...others] = changed.map(({ name }) => ({ ...subject, scenario: name }));
  if (first === undefined) {
    const wanted = [allocator, kernel].filter((word) => word !== undefined).join(" of ");
    throw new NoScenario(`no scenario is made for ${wanted}`);
  }
  return [first, ...others];
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
  const { scenario, text, mutation, era = "fixed", allocator, kernel } = subject;
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
  const broken = mutation === undefined ? undefined : await loadMutation(mutation);
  const machine = { ...found.machine };
  const own = allocator === undefined ? machine : { ...machine, allocator };
  const on = kernel === undefined ? own : { ...own, kernel };
  const past = eraChange(era, on.kernel ?? DEFAULT_KERNEL);
  const wanted = scenarioOf({ ...found, machine: on }, (classes) => {
    const older = past(classes);
    return broken === undefined ? older : mutate(broken, older);
  });
  if (mutation === undefined) return wanted;
  const { world } = wanted;
  return { ...wanted, world: () => blaming(mutation, "no machine boots with it", world) };
}

function named(name: string): SlabScenario {
  const found = scenarios.get(name) ?? exhibit(name)?.scenario;
  if (found !== undefined) return found;
  const known = [...scenarios.values()].map(({ name, story }) => `  ${name.padEnd(26)}${story}`);
  throw new NoScenario(
    `no scenario ${name}; name a file, an exhibit, or one of\n${known.join("\n")}`,
  );
}
