// SPDX-License-Identifier: GPL-2.0-only
/**
 * Threads that are terminated in mid-run. The other tasks go on with the CPUs that become free. The
 * objects that a dead task held or was moving stay, and at the end nothing else may be left. A task
 * that died in the middle of a change to its CPU's data leaves a CPU that cannot be used any more:
 * the run ends.
 */

import { surveyBlocks } from "../src/check/blocks.ts";
import { Findings } from "../src/check/findings.ts";
import type { Ledger } from "../src/check/ledger.ts";
import type { Remains } from "../src/check/remains.ts";
import { type Kernel, systemOf } from "../src/kernel/kernel.ts";
import type { System } from "../src/kernel/system.ts";
import { hex } from "../src/machine/hex.ts";
import { KernelBug } from "../src/machine/kernel-bug.ts";
import { PAGE_SIZE } from "../src/machine/machine.ts";
import type { Address } from "../src/machine/memory.ts";
import { Page } from "../src/pages/page.ts";
import type { StressControl } from "./control.ts";

export interface Death {
  readonly task: number;
  /** Its last operation, by the log. */
  readonly doing: string;
}

export interface DeathOutcome extends Death {
  /** Objects that it held, where they were watched and the run got to its end. */
  readonly held: number | undefined;
  /** The objects and slabs that its operation was moving when it was cut, a line each. */
  readonly remains: readonly string[];
}

/** Follows a finding: its cause may be a cut operation that the ledger has not noted. */
export function inTheWakeOf(deaths: readonly Death[]): string {
  return deaths.map(({ task, doing }) => `; task ${task} has died at ${doing}`).join("");
}

/** The object that a task was about to free when it died, or 0: another may have allocated it. */
export function inTheHandsOf(task: number, control: StressControl): Address {
  const free = control
    .lastOperations(task)
    .find(({ name, object }) => name === "kfree" && object === undefined);
  return free?.argument ?? 0;
}

/**
 * Only dead tasks hold objects of the caches; returns how many each of them has allocated and not
 * freed, from any cache. `inHands`: objects that other tasks had sent to the dead ones.
 * @throws KernelBug where a living task holds one
 */
export function heldByTheDead(
  { pages, memory, machine }: System,
  ledger: Ledger,
  caches: readonly Address[],
  dead: readonly number[],
  inHands: readonly Address[],
): Map<number, number> {
  const held = new Map<number, number>();
  const first = pages.pageAddress(pages.array.numbered(pages.zones[0]?.start ?? 0));
  for (const object of ledger.liveIn(
    first,
    Math.floor(machine.layout.end / PAGE_SIZE) * PAGE_SIZE,
  )) {
    // The machine's task 0 is the main thread.
    const task = ledger.holderOf(object) - 1;
    held.set(task, (held.get(task) ?? 0) + 1);
    const cache = memory.read32(pages.virtToHeadPage(object) + Page.slabCache);
    if (dead.includes(task) || inHands.includes(object) || !caches.includes(cache)) continue;
    throw new KernelBug(
      "lost-object",
      `${ledger.story(object)}, though that task has freed all its objects`,
    );
  }
  return held;
}

/**
 * After the living tasks have freed all objects and the caches were shrunk: each slab that is left
 * has an object that a dead task holds, or was being moved by one. @throws KernelBug for any other
 * slab
 */
export function checkSlabsAreHeld(
  kernel: Kernel,
  ledger: Ledger,
  remains: Remains,
  caches: readonly Address[],
): void {
  const { pages, common } = systemOf(kernel);
  const slabs = surveyBlocks(systemOf(kernel), new Findings(remains));
  for (const s of caches) {
    for (const page of slabs.get(s) ?? []) {
      const from = pages.pageAddress(page);
      const to = from + (PAGE_SIZE << pages.compoundOrder(page));
      if (remains.touches(from, to) || !ledger.liveIn(from, to).next().done) continue;
      const what = `slab ${hex(page)} of ${common.nameOf(s)} stays, and no task holds an object of it`;
      throw new KernelBug("leaked-page", what);
    }
  }
}
