// SPDX-License-Identifier: GPL-2.0-only
/**
 * Runs a script on a machine of its own, in one thread that switches CPUs, and tells what happened
 * after each step in the words of the recorded runs of real kernels. What varies on a busy
 * kernel stands still: cycle counters and reapers.
 */

import type { BootOptions } from "../../kernel/boot-options.ts";
import { inTurn } from "../../kernel/classes.ts";
import { boot, MIB, systemOf, type ThreadBuild } from "../../kernel/kernel.ts";
import type { ConsoleSink } from "../../machine/console.ts";
import { DirectMemory } from "../../machine/direct-memory.ts";
import { noWitness } from "../../machine/witness.ts";
import type { PagePtr } from "../../pages/page.ts";
import type { ScriptLine } from "./commands.ts";
import { ScriptRun, type Trace } from "./script-run.ts";
import { notingSlabs, SheafScriptRun } from "./sheaf-run.ts";

type Chosen = "allocator" | "kernel" | "cpus" | "nodes" | "parameters";
type Switch = "config" | "hardened" | "randomized" | "initOnAlloc" | "initOnFree";

/** The machine of a script, as `boot` takes it. */
export type ScriptMachine = Required<Pick<BootOptions, Chosen>> & Pick<BootOptions, Switch>;

const BYTES_A_NODE = 128 * MIB;

class FrozenClock extends DirectMemory {
  override getCycles(): number {
    return 0;
  }
}

/**
 * `change` exchanges classes of the allocator; `console` hears what the machine prints.
 * @throws ScriptError where a command cannot be carried out.
 */
export function runScript(
  lines: readonly ScriptLine[],
  machine: ScriptMachine,
  change: ThreadBuild["change"] = (classes) => classes,
  console?: ConsoleSink,
): Trace {
  const made: PagePtr[] = [];
  const build: ThreadBuild = {
    memoryClass: FrozenClock,
    change: inTurn(change, notingSlabs(made)),
    ...(console === undefined ? {} : { console }),
  };
  const kernel = boot(
    { ...machine, memory: machine.nodes * BYTES_A_NODE, tasks: machine.cpus },
    build,
  );
  // Of SLAB, a script that never changes the CPU is told as one CPU's story: so were those recorded
  // that only wanted a second CPU for the shared array it brings.
  const neverMoves = !lines.some(({ command }) => command.kind === "cpu");
  const style = { single: machine.cpus === 1 || (machine.allocator === "slab" && neverMoves) };
  // No output shows the caller of an allocation, and a stack costs more than the allocation.
  systemOf(kernel).machine.witness = noWitness;
  const hasSheaves = systemOf(kernel).observer.traceView(style).sheafSteps !== undefined;
  const run = hasSheaves ? new SheafScriptRun(kernel, style, made) : new ScriptRun(kernel, style);
  return run.run(lines);
}
