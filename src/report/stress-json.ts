// SPDX-License-Identifier: GPL-2.0-only
/** The result fields of `slablab stress --json`. */
import type { Outcome, StressOptions } from "../../stress/options.ts";
import type { Statistics } from "../../stress/statistics.ts";
import type { SlabStatName } from "../slab/statistics.ts";
import type { StatName } from "../slub/statistics.ts";
import { stressCommandLine } from "./failure.ts";

/** The counters that together count every object allocated and freed. */
const SLUB_CALLS: readonly (StatName | "free_rcu_sheaf")[] = [
  "alloc_fastpath",
  "alloc_slowpath",
  "free_fastpath",
  "free_slowpath",
  "free_rcu_sheaf",
];
const SLAB_CALLS: readonly SlabStatName[] = [
  "allochit",
  "allocmiss",
  "nodeallocs",
  "freehit",
  "freemiss",
  "remotefrees",
];

export function stressJson(options: StressOptions, outcome: Outcome): Record<string, unknown> {
  const { failure, died, checks, perCpu, dmesg, ...rest } = outcome;
  const verdict = failure !== undefined ? "failed" : died !== undefined ? "cut short" : "clean";
  return {
    ...rest,
    ...(failure !== undefined || options.dmesg === true ? { dmesg } : {}),
    perCpu: perCpu.map(({ cpu, node, statistics: s }) => ({
      cpu,
      node,
      operations: operationsOf(options.allocator, s),
      statistics: s,
    })),
    checks: {
      ledger: checks.ledger ? verdict : "off",
      audit: checks.audits === 0 ? "not reached" : verdict,
      audits: checks.audits,
      allCameBack: checks.allCameBack,
    },
    failure: failure === undefined ? null : { ...failure, command: stressCommandLine(options) },
    died: died ?? null,
  };
}

/** Objects allocated and freed, by the counters of a CPU. */
export function operationsOf(
  allocator: StressOptions["allocator"],
  statistics: Statistics,
): number {
  return sum(statistics, allocator === "slab" ? SLAB_CALLS : SLUB_CALLS);
}

function sum(statistics: Statistics, names: readonly string[]): number {
  return names.reduce((total, name) => total + (statistics[name] ?? 0), 0);
}
