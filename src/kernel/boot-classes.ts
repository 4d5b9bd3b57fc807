// SPDX-License-Identifier: GPL-2.0-only
/** The classes a booted kernel is made of: the table of its version, with what its options change. */
import { failPageAlloc } from "../caches/fail-page-alloc.ts";
import { failslab } from "../caches/failslab.ts";
import { initOnAlloc } from "../caches/init-on-alloc.ts";
import { DirectMemory } from "../machine/direct-memory.ts";
import { withPagesInitOnAlloc, withPagesInitOnFree } from "../pages/init-memory.ts";
import { withSlabDebugging } from "../slab/options/debug.ts";
import { withSlabInitOnFree } from "../slab/options/init-on-free.ts";
import { withRandomIndexes } from "../slab/options/random.ts";
import { seedEra } from "../slub/cpu-slab/era-seed.ts";
import { withHardenedFreelists } from "../slub/options/hardened.ts";
import { withInitOnFree } from "../slub/options/init-on-free.ts";
import { withRandomFreelists } from "../slub/options/random.ts";
import { withSlabLock } from "../slub/options/slab-lock.ts";
import type { BootOptions } from "./boot-options.ts";
import {
  type Change,
  classesFor,
  inTurn,
  onAllocator,
  onCommon,
  onSlab,
  onSlub,
  type SystemClasses,
} from "./classes.ts";
import { withDirectPaths } from "./direct-paths.ts";
import type { ThreadBuild } from "./kernel.ts";

/** What each switch of a boot exchanges. A switch of one allocator only changes nothing in the other. */
const CHANGES = {
  slabLock: onSlub(withSlabLock),
  hardened: onSlub(withHardenedFreelists),
  randomized: inTurn(onSlub(withRandomFreelists), onSlab(withRandomIndexes)),
  debugSlab: onSlab(withSlabDebugging),
  initOnAlloc: inTurn(
    onCommon(({ Pages }) => ({ Pages: withPagesInitOnAlloc(Pages) })),
    onAllocator(initOnAlloc),
  ),
  initOnFree: inTurn(
    onCommon(({ Pages }) => ({ Pages: withPagesInitOnFree(Pages) })),
    onSlub(withInitOnFree),
    onSlab(withSlabInitOnFree),
  ),
  seedEra: onSlub(seedEra),
  failSlab: onAllocator(failslab),
  failPages: onCommon(({ Pages }) => ({ Pages: failPageAlloc(Pages) })),
} satisfies Record<string, Change>;

/** Switches that only SLUB with cpu slabs, and where it says so SLAB, knows. */
const NOT_WITH_SHEAVES = ["slabLock", "hardened", "randomized", "initOnFree", "seedEra"] as const;

/**
 * `change` comes after those of the options. Direct memory has paths of its own.
 * @throws RangeError where the allocator has no such switch.
 */
export function bootClasses(options: Required<BootOptions>, build: ThreadBuild): SystemClasses {
  const wanted: Record<keyof typeof CHANGES, boolean> = {
    slabLock: options.swap === "slab_lock",
    hardened: options.hardened,
    randomized: options.randomized,
    debugSlab: options.config.includes("DEBUG_SLAB"),
    initOnAlloc: options.initOnAlloc,
    initOnFree: options.initOnFree,
    seedEra: options.era === "seed",
    failSlab: options.failSlab !== null,
    failPages: options.failPages !== null,
  };
  const names = Object.keys(CHANGES) as (keyof typeof CHANGES)[];
  const changes = names.filter((name) => wanted[name]).map((name) => CHANGES[name]);
  const classes = classesFor(options.allocator, options.kernel);
  if (classes.allocator === "slub" && classes.front === "sheaves") {
    const missing = NOT_WITH_SHEAVES.find((name) => wanted[name]);
    if (missing !== undefined) {
      throw new RangeError(`SLUB of ${options.kernel} has no switch ${missing} here`);
    }
  }
  const change = inTurn(...changes, build.change ?? ((table) => table));
  const isDirect = (build.memoryClass ?? DirectMemory) === DirectMemory;
  return isDirect ? withDirectPaths(classes, change) : change(classes);
}
