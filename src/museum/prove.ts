// SPDX-License-Identifier: GPL-2.0-only
/**
 * The proof of an exhibit: the broken source fails, with the class and the fewest preemptions that the
 * exhibit names; the fixed source passes every schedule with as many preemptions and, as far as a
 * share of time allows, with one more.
 */
import { DEFAULT_KERNEL } from "../caches/kernel-version.ts";
import { explore } from "../explore/explore.ts";
import type { Failure } from "../explore/replay.ts";
import type { Change } from "../kernel/classes.ts";
import { eraChange } from "../kernel/era.ts";
import { scenarioOf } from "../laboratory/scenario.ts";
import type { Exhibit } from "./exhibit.ts";

export interface Proof {
  /** The broken source failed. */
  readonly found: boolean;
  /** Everything is as the exhibit says. */
  readonly isProven: boolean;
  readonly class: string | null;
  readonly message: string | null;
  readonly preemptions: number | null;
  readonly token: string | null;
  /** Run until the source failed, or until no schedule was left. */
  readonly schedules: number;
  /** Until the source failed, and for the whole proof. */
  readonly seconds: number;
  readonly secondsInAll: number;
  /** Every schedule of the fixed source with the exhibit's number of preemptions passes. */
  readonly fixedClean: boolean;
  /** The most preemptions for which that is known; null: not even for 0. */
  readonly fixedBound: number | null;
}

/** Far more than any exhibit takes, for slow machines. */
const PATIENCE_SECONDS = 120;

const eraOf = ({ era, scenario }: Pick<Exhibit, "era" | "scenario">): Change =>
  eraChange(era, scenario.machine.kernel ?? DEFAULT_KERNEL);

/** The change that makes the fixed source: the exhibit's era and base. */
export function fixedChange(exhibit: Exhibit): Change {
  const era = eraOf(exhibit);
  return (classes) => era(exhibit.base?.(classes) ?? classes);
}

/** The change that makes the broken source. */
export function brokenChange(exhibit: Exhibit): Change {
  const fixed = fixedChange(exhibit);
  return (classes) => exhibit.mutation?.change(fixed(classes)) ?? fixed(classes);
}

/** The scenario on the broken source. */
export function brokenScenario(exhibit: Exhibit): ReturnType<typeof scenarioOf> {
  return scenarioOf(exhibit.brokenScenario ?? exhibit.scenario, brokenChange(exhibit));
}

/** `share`: seconds for the search with one more preemption. */
export function prove(exhibit: Exhibit, share: number): Proof {
  const start = performance.now();
  const { preemptions } = exhibit;
  const search = { strategy: "bound", preemptions, seconds: PATIENCE_SECONDS } as const;
  const broken = explore({ ...brokenScenario(exhibit), search });
  const seconds = (performance.now() - start) / 1000;
  const fixed = scenarioOf(exhibit.scenario, fixedChange(exhibit));
  const atBound = explore({ ...fixed, search });
  const isClean = (bound: number | undefined): boolean => (bound ?? -1) >= preemptions;
  const fixedClean = atBound.failure === undefined && isClean(atBound.complete?.preemptions);
  const more = { ...search, preemptions: preemptions + 1, seconds: share };
  const beyond = fixedClean ? explore({ ...fixed, search: more }) : atBound;
  const fixedBound = Math.max(
    beyond.complete?.preemptions ?? -1,
    atBound.complete?.preemptions ?? -1,
  );
  const { failure } = broken;
  const staysClean = failure === undefined && isClean(broken.complete?.preemptions);
  const asExpected = exhibit.class === null ? staysClean : isExpected(exhibit, failure);
  return {
    found: failure !== undefined,
    isProven: asExpected && fixedClean && beyond.failure === undefined,
    class: failure?.class ?? null,
    message: failure?.message ?? null,
    preemptions: failure?.preemptions ?? null,
    token: failure?.token ?? null,
    schedules: broken.schedules,
    seconds,
    secondsInAll: (performance.now() - start) / 1000,
    fixedClean,
    fixedBound: fixedBound < 0 ? null : fixedBound,
  };
}

function isExpected(exhibit: Exhibit, failure: Failure | undefined): boolean {
  return failure?.class === exhibit.class && failure.preemptions === exhibit.preemptions;
}
