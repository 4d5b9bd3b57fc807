/** A short stress run for tests: four CPUs on two nodes, everything watched. */
import type { StressOptions } from "../../stress/options.ts";

const MIB = 2 ** 20;

export function options(changed: Partial<StressOptions> = {}): StressOptions {
  return {
    allocator: "slub",
    kernel: "4.1",
    cpus: 4,
    nodes: 2,
    memory: 32 * MIB,
    seconds: undefined,
    operations: 40_000,
    workload: "mixed",
    seed: 1,
    ledger: true,
    interrupts: 0,
    migrations: 0,
    delays: 0,
    mutation: undefined,
    era: "fixed",
    ...changed,
  } as StressOptions;
}

/** The torture that the command's examples use. */
export const TORTURE = { interrupts: 0.001, migrations: 0.0005, delays: 0.001 };
