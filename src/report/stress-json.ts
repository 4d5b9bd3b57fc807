/** The result fields of `slablab stress --json`. */
import type { Outcome, StressOptions } from "../../stress/options.ts";
import { stressCommandLine } from "./failure.ts";

export function stressJson(options: StressOptions, outcome: Outcome): Record<string, unknown> {
  const { failure, died, checks, perCpu, ...rest } = outcome;
  return {
    ...rest,
    perCpu: perCpu.map(({ cpu, node, statistics: s }) => ({
      cpu,
      node,
      operations: s.alloc_fastpath + s.alloc_slowpath + s.free_fastpath + s.free_slowpath,
      statistics: s,
    })),
    checks: {
      ledger: checks.ledger ? verdict(failure === undefined) : "off",
      audit: checks.audits === 0 ? "not reached" : verdict(failure === undefined),
      audits: checks.audits,
      allCameBack: checks.allCameBack,
    },
    failure: failure === undefined ? null : { ...failure, command: stressCommandLine(options) },
    died: died ?? null,
  };
}

function verdict(clean: boolean): "clean" | "failed" {
  return clean ? "clean" : "failed";
}
