/** An exhibit on real threads: torture until the broken source fails, and how long that took. */
import { MIB } from "../src/kernel/kernel.ts";
import type { Exhibit } from "../src/museum/exhibit.ts";
import type { StressOptions } from "./options.ts";
import { stress } from "./run.ts";

export interface LiveProof {
  /** What was found first; null: nothing in the time given. */
  readonly class: string | null;
  readonly message: string | null;
  readonly seconds: number;
  readonly operations: number;
}

/** Whether real threads can run it: it takes a mutation, and nothing else that is special. */
export function runsLive({ mutation, base }: Exhibit): boolean {
  return mutation !== null && base === null;
}

/** Searches for `seconds` at most. */
export async function runLive(
  exhibit: Exhibit,
  seconds: number,
  seed: number,
  signal: AbortSignal,
): Promise<LiveProof> {
  const { machine } = exhibit.scenario;
  const options: StressOptions = {
    allocator: machine.allocator ?? "slub",
    kernel: machine.kernel ?? "4.1",
    cpus: Math.max(2, machine.cpus ?? 1),
    nodes: machine.nodes ?? 1,
    memory: 32 * MIB,
    seconds,
    operations: undefined,
    workload: "mixed",
    seed,
    ledger: true,
    interrupts: 0.002,
    migrations: 0.002,
    delays: 0.002,
    mutation: exhibit.mutation?.id,
    era: exhibit.era,
  };
  const { failure, operations, seconds: worked } = await stress(options, { signal });
  return {
    class: failure?.class ?? null,
    message: failure?.message ?? null,
    seconds: worked,
    operations,
  };
}
