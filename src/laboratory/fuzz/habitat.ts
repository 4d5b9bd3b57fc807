// SPDX-License-Identifier: GPL-2.0-only
/**
 * Where generated programs run: an allocator of a kernel on a small machine, with a cache whose lists
 * are full soon. What the allocator has is asked of the allocator itself.
 */
import type { Attributes } from "../../caches/attribute.ts";
import {
  type AllocatorName,
  SLAB_CONSISTENCY_CHECKS,
  SLAB_POISON,
  SLAB_RED_ZONE,
  SLAB_TYPESAFE_BY_RCU,
} from "../../caches/flags.ts";
import { type KernelVersion, since } from "../../caches/kernel-version.ts";
import { Laboratory, type LaboratoryOptions } from "../laboratory.ts";

export interface HabitatMachine extends LaboratoryOptions {
  /** Slabs stay as long as a reader may see them. */
  readonly isTypesafe: boolean;
}

export interface Habitat {
  readonly machine: HabitatMachine;
  /** Internal steps, and files of sysfs. */
  readonly stepNames: ReadonlySet<string>;
  readonly attributes: Attributes;
}

const DEBUG = SLAB_RED_ZONE | SLAB_POISON | SLAB_CONSISTENCY_CHECKS;

/** The machines, those that show most first; each is as likely as the others. */
const MACHINES: readonly LaboratoryOptions[] = [
  { cpus: 2 },
  { cpus: 2, minPartial: 0, cpuPartial: 0 },
  { cpus: 2, minPartial: 0, cpuPartial: 2 },
  { cpus: 2, nodes: 2 },
  { cpus: 3 },
  { cpus: 3, nodes: 2 },
  { cpus: 2, flags: SLAB_TYPESAFE_BY_RCU, minPartial: 0, cpuPartial: 0 },
  { cpus: 2, maxOrder: 1 },
  { cpus: 2, flags: DEBUG },
  { cpus: 2, swap: "slab_lock", minPartial: 0 },
  // Not both: an alias in use can be destroyed, and twice is once too often.
  { cpus: 2, merges: true },
  { cpus: 2, survivesReports: true },
];

/**
 * Sheaves are full and empty soon; without a capacity 6.19 has none, and in 7.1 they are large. A debug
 * cache never has any.
 */
const SHEAVED: readonly LaboratoryOptions[] = MACHINES.map((machine, at) =>
  machine.flags === DEBUG ? machine : { ...machine, sheafCapacity: 2 + (at % 2) },
);

/** Cpu slabs as well, where a kernel has both. */
function machinesOf(allocator: AllocatorName, kernel: KernelVersion): readonly LaboratoryOptions[] {
  if (allocator === "slab") return MACHINES.filter(({ swap }) => swap === undefined);
  if (!since(kernel, "6.18")) return MACHINES;
  return since(kernel, "7.0")
    ? SHEAVED
    : MACHINES.flatMap((plain, at) => [plain, SHEAVED[at] ?? plain]);
}

export function habitatsOf(allocator: AllocatorName, kernel: KernelVersion): readonly Habitat[] {
  return machinesOf(allocator, kernel).map((options) => {
    const machine = { ...options, allocator, kernel };
    const { system } = new Laboratory(machine, (classes) => classes);
    const { steps, attributes } = system.observer;
    const isTypesafe = ((options.flags ?? 0) & SLAB_TYPESAFE_BY_RCU) !== 0;
    return { machine: { ...machine, isTypesafe }, stepNames: new Set(steps.keys()), attributes };
  });
}
