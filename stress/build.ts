// SPDX-License-Identifier: GPL-2.0-only
/** The allocator that a run is about: which memory, which mutation, watched or not. */
import { withUnderWay } from "../src/check/under-way.ts";
import { withLedger } from "../src/check/with-ledger.ts";
import type { SystemClasses } from "../src/kernel/classes.ts";
import type { ThreadBuild } from "../src/kernel/kernel.ts";
import { type Mutation, mutate } from "../src/laboratory/mutation.ts";
import type { ConsoleSink } from "../src/machine/console.ts";
import type { MemoryClass } from "../src/machine/machine.ts";
import type { BuildPlan } from "./protocol.ts";

/** A plan whose mutation has been loaded. */
export interface LoadedBuild {
  readonly ledger: boolean;
  readonly mutation: Mutation | undefined;
}

/** @throws NoMutation */
export async function loadBuild({ ledger, mutation }: BuildPlan): Promise<LoadedBuild> {
  if (mutation === undefined) return { ledger, mutation };
  // The museum is a hundred modules that few runs need.
  const { loadMutation } = await import("../src/museum/mutations.ts");
  return { ledger, mutation: await loadMutation(mutation) };
}

/** The mutation is made first, so that the ledger watches it too. */
export function kernelBuild(
  { ledger, mutation }: LoadedBuild,
  memoryClass: MemoryClass,
  console: ConsoleSink,
): ThreadBuild {
  const change = (classes: SystemClasses): SystemClasses => {
    const mutated = mutation === undefined ? classes : mutate(mutation, classes);
    return ledger ? withUnderWay(withLedger(mutated)) : mutated;
  };
  return { change, memoryClass, console };
}
