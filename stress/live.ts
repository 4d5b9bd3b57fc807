// SPDX-License-Identifier: GPL-2.0-only
/** An exhibit on real threads: torture until the broken source fails, and how long that took. */
import { DEFAULT_KERNEL } from "../src/caches/kernel-version.ts";
import { MIB } from "../src/kernel/kernel.ts";
import type { Exhibit } from "../src/museum/exhibit.ts";
import type { StressOptions } from "./options.ts";
import { stress } from "./run.ts";

export interface LiveProof {
  /** The first failure; null: none in the time given. */
  readonly class: string | null;
  readonly message: string | null;
  readonly seconds: number;
  readonly operations: number;
}

/** Whether real threads can run it: it takes a mutation, and nothing else that is special. */
export function runsLive({ mutation, base }: Exhibit): boolean {
  return mutation !== null && base === null;
}

export interface LiveOptions {
  /** To search for, at most. */
  readonly seconds: number;
  readonly seed: number;
  /** Chances per access to memory. */
  readonly interrupts: number;
  readonly migrations: number;
  readonly delays: number;
}

const HOTPLUG_SECONDS = 0.1;

/**
 * Few objects in small slabs, as in the exhibits' scenarios, over and over.
 * @throws Error where the run itself broke down, which proves nothing
 */
export async function runLive(
  exhibit: Exhibit,
  torture: LiveOptions,
  signal: AbortSignal,
): Promise<LiveProof> {
  const { machine } = exhibit.scenario;
  const options: StressOptions = {
    allocator: machine.allocator ?? "slub",
    kernel: machine.kernel ?? DEFAULT_KERNEL,
    cpus: Math.max(2, machine.cpus ?? 1),
    nodes: machine.nodes ?? 1,
    memory: 32 * MIB,
    operations: undefined,
    workload: "few",
    ledger: true,
    mutation: exhibit.mutation?.id,
    era: exhibit.era,
    hotplug: exhibit.needs === "X+hotplug" ? HOTPLUG_SECONDS : undefined,
    ...torture,
  };
  const { failure, died, operations, seconds: worked } = await stress(options, { signal });
  if (died !== undefined) throw new Error(`${exhibit.id}: ${died}`);
  return {
    class: failure?.class ?? null,
    message: failure?.message ?? null,
    seconds: worked,
    operations,
  };
}
