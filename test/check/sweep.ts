import type { KmemCachePtr } from "../../src/caches/kmem-cache.ts";
import type { BootOptions } from "../../src/kernel/kernel.ts";
import type { InterposedMemory } from "./interposed-memory.ts";
import { type Change, cacheOfFour, failureOf, type Watched, watched } from "./systems.ts";

/** Two operations on a prepared cache: `act`, by CPU 0, is cut once by `cut`. */
export interface Cut {
  readonly act: () => void;
  readonly cut: () => void;
}

export interface Scenario {
  /** As what `cut` runs: an interrupt, another CPU; or `act` itself is on CPU 1 for a while. */
  readonly by: "interrupt" | "CPU 1" | "migration";
  readonly options?: BootOptions;
  readonly change?: Change;
  readonly prepare: (system: Watched, s: KmemCachePtr) => Cut;
}

/** No operation here has more accesses. */
const LIMIT = 400;
/** For two moves of one task: the fast path is shorter. */
const MIGRATION_LIMIT = 14;

/** All failure classes that show in any of the places in which `act` can be cut. */
export function sweep(scenario: Scenario, change: Change): Set<string> {
  const system = watched(scenario.options, change);
  const { kernel, memory } = system;
  const s = cacheOfFour(system);
  const { act, cut } = scenario.prepare(system, s);
  const failures = new Set<string>();
  kernel.run(() => {
    const restore = memory.snapshot();
    const attempt = (plan: Plans): boolean => {
      restore();
      memory.plan(plan);
      const failure = failureOf(act);
      const reached = memory.accessed >= (plan[0]?.access ?? 0);
      // A CPU that waits for what the other holds is just not cut there.
      if (failure !== "none") {
        if (failure !== "deadlock" || scenario.by === "interrupt") failures.add(failure);
      } else if (memory.acted === plan.length) {
        memory.plan([]);
        for (const found of system.failures()) failures.add(found);
      }
      return reached;
    };
    const first = (access: number): boolean =>
      plansOf(scenario.by, memory, cut, access).map(attempt).some(Boolean);
    for (let access = 1; access < LIMIT && first(access); access++);
    restore();
  }, 0);
  return failures;
}

type Plans = Parameters<InterposedMemory["plan"]>[0];

function plansOf(
  by: Scenario["by"],
  memory: InterposedMemory,
  cut: () => void,
  access: number,
): Plans[] {
  if (by === "interrupt") return [[{ access, act: () => memory.asInterrupt(cut) }]];
  if (by === "CPU 1") return [[{ access, act: () => memory.asCpu(1, cut) }]];
  const away = { access, act: () => memory.migrate(1) };
  return Array.from({ length: Math.max(MIGRATION_LIMIT - access, 0) }, (_, i) => [
    away,
    { access: access + 1 + i, act: () => memory.migrate(0) },
  ]);
}
