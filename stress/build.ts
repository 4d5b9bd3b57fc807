// SPDX-License-Identifier: GPL-2.0-only
/** The allocator that a run is about: which memory, which mutation, watched or not. */
import { withUnderWay } from "../src/check/under-way.ts";
import { withLedger } from "../src/check/with-ledger.ts";
import type { SystemClasses } from "../src/kernel/classes.ts";
import type { ThreadBuild } from "../src/kernel/kernel.ts";
import { mutate } from "../src/laboratory/mutation.ts";
import type { ConsoleSink } from "../src/machine/console.ts";
import type { MemoryClass } from "../src/machine/machine.ts";
import { loadedMutation } from "../src/museum/mutations.ts";
import type { BuildPlan } from "./protocol.ts";

/** The mutation is made first, so that the ledger watches it too. */
export function kernelBuild(
  plan: BuildPlan,
  memoryClass: MemoryClass,
  console: ConsoleSink,
): ThreadBuild {
  const change = (classes: SystemClasses): SystemClasses => {
    const { mutation } = plan;
    const mutated = mutation === undefined ? classes : mutate(loadedMutation(mutation), classes);
    return plan.ledger ? withUnderWay(withLedger(mutated)) : mutated;
  };
  return { change, memoryClass, console };
}
