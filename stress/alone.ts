// SPDX-License-Identifier: GPL-2.0-only
/**
 * A workload in one thread that is each CPU in turn: the same course every time, for a look at the
 * machine it leaves behind. The players keep what they hold.
 */
import type { BootOptions } from "../src/kernel/boot-options.ts";
import { boot, type Kernel, systemOf, type ThreadBuild } from "../src/kernel/kernel.ts";
import { controlBytes, StressControl } from "./control.ts";
import { CACHE_PREFIX, Driver } from "./driver.ts";
import { Random } from "./random.ts";
import type { Workload } from "./workloads/index.ts";

const SEED = 1;

/** Boots a machine and plays `steps` steps of the workload on each of its CPUs. */
export function playAlone(
  options: BootOptions,
  workload: Workload,
  steps: number,
  build: ThreadBuild = {},
): Kernel {
  const cpus = options.cpus ?? 1;
  const kernel = boot({ ...options, cpus, checker: controlBytes(cpus), seed: SEED }, build);
  const control = new StressControl(systemOf(kernel).machine, cpus);
  const caches = workload.caches.map(({ size, flags = 0 }) =>
    kernel.kmemCacheCreate(`${CACHE_PREFIX}${size}`, size, { flags }),
  );
  const players = Array.from({ length: cpus }, (_, task) =>
    workload.start(
      new Driver({
        kernel,
        control,
        ledger: undefined,
        task,
        tasks: cpus,
        random: new Random(SEED, task),
        failsFrom: undefined,
        caches,
      }),
    ),
  );
  for (let step = 0; step < steps; step++) {
    for (const [cpu, player] of players.entries()) kernel.run(() => player.step(), cpu);
  }
  return kernel;
}
