// SPDX-License-Identifier: GPL-2.0-only
/** The classes a booted kernel is made of: the table of its version, with what its options change. */
import { parseBootParameters } from "../caches/boot-parameters.ts";
import { failPageAlloc } from "../caches/fail-page-alloc.ts";
import { failslab } from "../caches/failslab.ts";
import { initOnAlloc } from "../caches/init-on-alloc.ts";
import { since } from "../caches/kernel-version.ts";
import { withKfenceObjects } from "../caches/kfence/with-kfence.ts";
import { withKmemcheckObjects } from "../caches/kmemcheck/with-kmemcheck.ts";
import { DirectMemory } from "../machine/direct-memory.ts";
import { withPagesInitOnAlloc, withPagesInitOnFree } from "../pages/init-memory.ts";
import { withGrowth } from "../pages/with-growth.ts";
import { withKmemcheckPages } from "../pages/with-kmemcheck.ts";
import { withPolicies } from "../pages/with-policies.ts";
import { withReserves } from "../pages/with-reserves.ts";
import { withSlabDebugging } from "../slab/options/debug.ts";
import { withSlabInitOnFree } from "../slab/options/init-on-free.ts";
import { withSlabKmemcheck } from "../slab/options/kmemcheck.ts";
import { withSlabPolicies } from "../slab/options/policies.ts";
import { withRandomIndexes } from "../slab/options/random.ts";
import { withOptInInitOnFree } from "../slub/opt-in/init-on-free.ts";
import { withHardenedFastPaths, withHardenedPointers } from "../slub/options/hardened.ts";
import { withInitOnFree } from "../slub/options/init-on-free.ts";
import { withKmemcheckSlabs } from "../slub/options/kmemcheck.ts";
import { strictNuma, withPolicySearch, withSheafPolicySearch } from "../slub/options/policies.ts";
import { withRandomFreelists } from "../slub/options/random.ts";
import {
  withReservedCpuSlabs,
  withReservedSlabs,
  withUnreservedSheaves,
} from "../slub/options/reserves.ts";
import { withSlabLock } from "../slub/options/slab-lock.ts";
import { withSheafInitOnFree } from "../slub/sheaves/init-on-free.ts";
import { type BootedOptions, kfenceSettings } from "./boot-options.ts";
import {
  type Change,
  classesFor,
  inTurn,
  onAllocator,
  onCommon,
  onCpuSlabs,
  onOptIn,
  onSheafParts,
  onSheaves,
  onSlab,
  onSlub,
  onSlubLayer,
  type SystemClasses,
} from "./classes.ts";
import { withDirectPaths } from "./direct-paths.ts";
import { eraChange } from "./era.ts";
import { withGroups } from "./group-classes.ts";
import { withKasan } from "./kasan-classes.ts";
import type { ThreadBuild } from "./kernel.ts";
import { kmemleakHooks } from "./kmemleak-classes.ts";

/** Policies of tasks, and the nodes that their cpusets allow. */
export const taskPolicies: Change = inTurn(
  onCommon(({ Pages }) => ({ Pages: withPolicies(Pages) })),
  onSlub(withPolicySearch),
  onSheafParts(withSheafPolicySearch),
  onSlab(withSlabPolicies),
);

/** Watermarks, reclaim, and slabs made of the reserves. */
export const memoryReserves: Change = inTurn(
  onCommon(({ Pages }) => ({ Pages: withReserves(Pages) })),
  onSlubLayer(withReservedSlabs),
  onSlub(withReservedCpuSlabs),
  onSheafParts(withUnreservedSheaves),
  onSlab((classes) => classes.withReserves(classes)),
);

const kmemcheck: Change = inTurn(
  onCommon(({ Pages }) => ({ Pages: withKmemcheckPages(Pages) })),
  onSlubLayer(withKmemcheckSlabs),
  onSlab(withSlabKmemcheck),
  onAllocator(withKmemcheckObjects),
);

/** What each switch of a boot exchanges. A switch of one allocator only changes nothing in the other. */
const CHANGES = {
  reserves: memoryReserves,
  slabLock: onSlubLayer(withSlabLock),
  hardened: inTurn(onSlubLayer(withHardenedPointers), onSlub(withHardenedFastPaths)),
  randomized: inTurn(onSlubLayer(withRandomFreelists), onSlab(withRandomIndexes)),
  debugSlab: onSlab(withSlabDebugging),
  initOnAlloc: inTurn(
    onCommon(({ Pages }) => ({ Pages: withPagesInitOnAlloc(Pages) })),
    onAllocator(initOnAlloc),
  ),
  initOnFree: inTurn(
    onCommon(({ Pages }) => ({ Pages: withPagesInitOnFree(Pages) })),
    onCpuSlabs(withInitOnFree),
    onOptIn(withOptInInitOnFree),
    onSheaves(withSheafInitOnFree),
    onSlab(withSlabInitOnFree),
  ),
  policies: taskPolicies,
  strictNuma: onAllocator(strictNuma),
  failSlab: onAllocator(failslab),
  failPages: onCommon(({ Pages }) => ({ Pages: failPageAlloc(Pages) })),
  growth: onCommon(({ Pages }) => ({ Pages: withGrowth(Pages) })),
} satisfies Record<string, Change>;

/**
 * The change of `build` comes after those of the options. Direct memory has paths of its own.
 * @throws RangeError where the allocator has no such era.
 */
export function bootClasses(options: BootedOptions, build: ThreadBuild): SystemClasses {
  const { kernel, era } = options;
  const wanted: Record<keyof typeof CHANGES, boolean> = {
    slabLock: options.swap === "slab_lock",
    hardened: options.hardened,
    randomized: options.randomized,
    debugSlab: options.config.includes("DEBUG_SLAB"),
    initOnAlloc: options.initOnAlloc,
    initOnFree: options.initOnFree,
    reserves: options.reserves,
    policies: options.policies,
    strictNuma:
      options.policies &&
      since(kernel, "6.13") &&
      parseBootParameters(kernel, options.parameters).slabStrictNuma,
    failSlab: options.failSlab !== null,
    failPages: options.failPages !== null,
    growth: options.maximum > options.memory,
  };
  const names = Object.keys(CHANGES) as (keyof typeof CHANGES)[];
  const changes = names.filter((name) => wanted[name]).map((name) => CHANGES[name]);
  const classes = classesFor(options.allocator, kernel);
  if (era === "seed" && classes.allocator === "slub" && classes.front === "sheaves") {
    throw new RangeError(`SLUB of ${kernel} has no tid, whose missing step makes the era "seed"`);
  }
  if (options.groups) changes.unshift(withGroups(kernel));
  // Below the groups: what waits in the quarantine is not charged any more.
  if (options.kasan !== false) changes.unshift(withKasan());
  if (options.kmemcheck !== false) changes.unshift(kmemcheck);
  // Below everything else: what lies in its pool is in no slab.
  const kfence = kfenceSettings(options);
  if (kfence !== undefined) changes.unshift(onAllocator(withKfenceObjects(kfence)));
  if (build.change !== undefined) changes.push(build.change);
  if (options.kmemleak) changes.push(kmemleakHooks);
  const change = inTurn(eraChange(era, kernel), ...changes);
  const isDirect = (build.memoryClass ?? DirectMemory) === DirectMemory;
  return isDirect ? withDirectPaths(classes, change) : change(classes);
}
