// SPDX-License-Identifier: GPL-2.0-only
/**
 * The classes a system is made of. One table is chosen by allocator and kernel, and then changed:
 * by boot options, by a checker, by a mutation. A change puts a subclass in the place of a class;
 * the allocator itself knows nothing of it.
 */
import type { AllocatorClass } from "../caches/allocator-class.ts";
import type { AllocatorName } from "../caches/flags.ts";
import { hasSlab, type KernelVersion, noSlab } from "../caches/kernel-version.ts";
import { TrackedObjects } from "../caches/kmemleak/tracked-objects.ts";
import type { ObservedAllocator } from "../caches/observer.ts";
import { SlabCommon } from "../caches/slab-common.ts";
import type { SlabWatch } from "../caches/slab-watch.ts";
import { Pages } from "../pages/pages.ts";
import { SLAB_KERNELS, type SlabClasses } from "../slab/kernels.ts";
import { withSlabWatch } from "../slab/observer/watched.ts";
import {
  type CpuSlabClasses,
  type OptInClasses,
  type SheafClasses,
  SLUB_KERNELS,
  type SlubClasses,
} from "../slub/kernels.ts";
import { withSlubWatch } from "../slub/observer/watched.ts";
import { withOptInWatch } from "../slub/opt-in/observer/watched.ts";
import type { LayerParts } from "../slub/parts.ts";
import { withSheafWatch } from "../slub/sheaves/observer/watched.ts";
import type { SheafParts } from "../slub/sheaves/parts.ts";

/** What stands below every allocator. */
export interface CommonClasses {
  Pages: typeof Pages;
  SlabCommon: typeof SlabCommon;
  /** What kmemleak knows, where it is on. */
  TrackedObjects: typeof TrackedObjects;
}

export type SlubTable = CommonClasses & SlubClasses;
export type CpuSlabTable = CommonClasses & CpuSlabClasses;
export type OptInTable = CommonClasses & OptInClasses;
export type SheafTable = CommonClasses & SheafClasses;
export type SlabTable = CommonClasses & SlabClasses;

/** One flat table; `allocator`, and of SLUB `front`, tell which. */
export type SystemClasses = CpuSlabTable | OptInTable | SheafTable | SlabTable;

export type Change = (classes: SystemClasses) => SystemClasses;

/**
 * The classes of one allocator as one kernel has it.
 * @throws RangeError where that kernel has no such allocator.
 */
export function classesFor(allocator: AllocatorName, kernel: KernelVersion): SystemClasses {
  const common = { Pages, SlabCommon, TrackedObjects };
  if (allocator === "slub") return { ...common, ...SLUB_KERNELS[kernel] };
  if (!hasSlab(kernel)) throw new RangeError(noSlab(kernel));
  return { ...common, ...SLAB_KERNELS[kernel] };
}

/** Why the allocator of that kernel cannot run; undefined: it can. */
export function whyItCannotRun(
  allocator: AllocatorName,
  kernel: KernelVersion,
): string | undefined {
  return allocator === "slab" && !hasSlab(kernel) ? noSlab(kernel) : undefined;
}

/** The allocator that a table makes, and what watches it. */
export function allocatorOf(common: SlabCommon, classes: SystemClasses): ObservedAllocator {
  if (classes.allocator === "slab") {
    const allocator = new classes.Allocator(common, classes);
    return { allocator, observer: new classes.Observer(allocator) };
  }
  if (classes.front === "sheaves") {
    const allocator = new classes.Allocator(common, classes);
    return { allocator, observer: new classes.Observer(allocator) };
  }
  if (classes.front === "cpu-slab-and-sheaves") {
    const allocator = new classes.Allocator(common, classes);
    return { allocator, observer: new classes.Observer(allocator) };
  }
  const allocator = new classes.Allocator(common, classes);
  return { allocator, observer: new classes.Observer(allocator) };
}

/** A change that exchanges classes of SLUB with cpu slabs only; other tables stay as they are. */
export function onSlub(change: (classes: SlubTable) => Partial<SlubTable>): Change {
  return (classes) =>
    classes.allocator === "slub" && classes.front !== "sheaves"
      ? exchange(classes, change(classes) as Partial<typeof classes>)
      : classes;
}

/** The same where there are no sheaves above them. */
export function onCpuSlabs(change: (classes: SlubTable) => Partial<SlubTable>): Change {
  const changed = onSlub(change);
  return (classes) =>
    classes.allocator === "slub" && classes.front === "cpu-slab" ? changed(classes) : classes;
}

/** A change that exchanges classes of SLUB with cpu slabs and sheaves. */
export function onOptIn(change: (classes: OptInTable) => Partial<OptInTable>): Change {
  return (classes) =>
    classes.allocator === "slub" && classes.front === "cpu-slab-and-sheaves"
      ? exchange(classes, change(classes))
      : classes;
}

/** A change that exchanges parts of sheaves, wherever there are any. */
export function onSheafParts(change: (classes: SheafParts) => Partial<SheafParts>): Change {
  return (classes) =>
    classes.allocator === "slub" && classes.front !== "cpu-slab"
      ? exchange(classes, change(classes) as Partial<typeof classes>)
      : classes;
}

/**
 * A change that exchanges classes of SLUB's slab layer, under whichever front. The subclass fits where
 * the class stood that it extends.
 */
export function onSlubLayer(change: (classes: LayerParts) => Partial<LayerParts>): Change {
  return (classes) =>
    classes.allocator === "slub"
      ? exchange(classes, change(classes) as Partial<SystemClasses>)
      : classes;
}

/** A change that exchanges classes of SLUB with sheaves only; other tables stay as they are. */
export function onSheaves(change: (classes: SheafTable) => Partial<SheafTable>): Change {
  return (classes) =>
    classes.allocator === "slub" && classes.front === "sheaves"
      ? exchange(classes, change(classes))
      : classes;
}

/** A change that exchanges classes of SLAB only; a table of SLUB stays as it is. */
export function onSlab(change: (classes: SlabTable) => Partial<SlabTable>): Change {
  return (classes) => (classes.allocator === "slab" ? exchange(classes, change(classes)) : classes);
}

/** A change of what stands below every allocator. */
export function onCommon(change: (classes: CommonClasses) => Partial<CommonClasses>): Change {
  return (classes) => exchange(classes, change(classes));
}

/** A change that interposes a subclass between every allocator and its callers. */
export function onAllocator(extend: <C extends AllocatorClass>(Base: C) => C): Change {
  return (classes) => {
    if (classes.allocator === "slab") {
      return { ...classes, Allocator: extend(classes.Allocator) };
    }
    if (classes.front === "sheaves") return { ...classes, Allocator: extend(classes.Allocator) };
    return classes.front === "cpu-slab"
      ? { ...classes, Allocator: extend(classes.Allocator) }
      : { ...classes, Allocator: extend(classes.Allocator) };
  };
}

/** A change that has a checker told of slabs that go back. */
export function watchingSlabs(watch: SlabWatch): Change {
  return inTurn(
    onSlubLayer((classes) => withSlubWatch(classes, watch)),
    onOptIn((classes) => withOptInWatch(classes, watch)),
    onSheaves((classes) => withSheafWatch(classes, watch)),
    onSlab((classes) => withSlabWatch(classes, watch)),
  );
}

/** Changes one after the other. */
export function inTurn(...changes: readonly Change[]): Change {
  return (classes) => changes.reduce((changed, change) => change(changed), classes);
}

/** A class that is exchanged must be in the table: nobody would ask for it otherwise. */
export class NoSuchClass extends Error {
  override name = "NoSuchClass";
}

function exchange<T extends SystemClasses>(classes: T, exchanged: Partial<T>): T {
  refuseUnknownClasses(classes, exchanged);
  return { ...classes, ...exchanged };
}

/** @throws NoSuchClass where `changed` names a class that the table does not have. */
export function refuseUnknownClasses(classes: SystemClasses, changed: object): void {
  for (const name of Object.keys(changed)) {
    if (name in classes) continue;
    throw new NoSuchClass(
      `${classes.allocator} has no class ${name}; it has ${Object.keys(classes).join(", ")}`,
    );
  }
}
