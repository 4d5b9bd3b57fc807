// SPDX-License-Identifier: GPL-2.0-only
/**
 * Threads that are ended from outside in mid-run. The others go on with the CPUs that are set free;
 * what the dead one held, or had in its hands, stays so, and in the end nothing but that may be left.
 * Where it ended in the middle of a change to its CPU, nobody can go on there, and the run ends.
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
  /** What the log says it did last. */
  readonly doing: string;
}

export interface DeathOutcome extends Death {
  /** Objects that it held, where they were watched and the run got to its end. */
  readonly held: number | undefined;
  /** What its operation had in its hands when it was cut, a line each. */
  readonly remains: readonly string[];
}

/** Stands behind a finding, whose cause may be that an operation was cut where nobody noted it. */
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
 * Nobody but the dead holds an object of the caches; returns how many each task has allocated and
 * not freed, of whatever cache. `inHands`: objects that others had given to the dead.
 * @throws KernelBug where somebody else holds one
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
    throw new KernelBug("lost-object", `${ledger.story(object)}, who has given back all it had`);
  }
  return held;
}

/**
 * After all that the living held was given back and the caches were shrunk: a slab that is still
 * there has an object that the dead hold, or was in their hands. @throws KernelBug for any other
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
      const what = `slab ${hex(page)} of ${common.nameOf(s)} stays, and nobody holds any of it`;
      throw new KernelBug("leaked-page", what);
    }
  }
}
