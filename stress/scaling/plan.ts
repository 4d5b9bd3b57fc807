// SPDX-License-Identifier: GPL-2.0-only
/**
 * The points of a run: the product of the options given; options that are not given are chosen
 * here.
 */
import { availableParallelism } from "node:os";
import type { PointKey } from "./point.ts";
import { SUBJECTS, type SubjectInfo } from "./subjects/index.ts";
import type { Workload } from "./workload.ts";
import { SCALE_WORKLOADS } from "./workloads/index.ts";

export interface ScaleOptions {
  readonly allocators: readonly string[] | undefined;
  readonly workloads: readonly string[] | undefined;
  readonly sizes: readonly number[] | undefined;
  readonly cpus: readonly number[] | undefined;
  readonly quick: boolean;
  /** How often everything is measured. */
  readonly repeat: number;
  /** For each point. */
  readonly seconds: number;
  readonly seed: number;
  /** Native allocators, too. */
  readonly native: boolean;
  /** Whether V8's inlining limits are raised. */
  readonly raised: boolean;
}

export const ALL_SIZES = [8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192];
/** Where one size has to stand for all. */
export const USUAL_SIZE = 64;
/** The object size of Brouer's measurements of bulk calls. */
export const BULK_SIZE = 256;

const QUICK_ALLOCATORS = ["slub", "slab", "slub-kmalloc", "slab-kmalloc", "nothing"];
const QUICK_ALONE = ["pairs", "fifo", "random", "bulk-1", "bulk-16", "bulk-64", "larson"];
const QUICK_TOGETHER = ["pairs", "larson", "one-allocates"];
const QUICK_CROWDED = ["pairs"];
/** Measured at every size. */
const EVERY_SIZE = new Set(["pairs", "fifo"]);
/** More CPUs than cores: so many times the cores. */
const CROWD = 4;

/** The points in the order in which they are measured: by allocator, then by number of CPUs. */
export function planPoints(options: ScaleOptions): PointKey[] {
  const { quick } = options;
  const allocators = options.allocators ?? (quick ? QUICK_ALLOCATORS : [...SUBJECTS.keys()]);
  const cpus = options.cpus ?? usualCpus(quick);
  return allocators.flatMap((allocator) =>
    cpus.flatMap((cpus) =>
      (options.workloads ?? usualWorkloads(quick, cpus)).flatMap((name) => {
        const workload = SCALE_WORKLOADS.get(name) as Workload;
        if (!isPossible(SUBJECTS.get(allocator) as SubjectInfo, workload, cpus)) return [];
        const sizes = sizesOf(workload, cpus, options);
        return sizes.map((size) => ({ allocator, workload: name, size, cpus }));
      }),
    ),
  );
}

function usualWorkloads(quick: boolean, cpus: number): readonly string[] {
  if (!quick) return [...SCALE_WORKLOADS.keys()];
  if (cpus === 1) return QUICK_ALONE;
  return cpus > availableParallelism() ? QUICK_CROWDED : QUICK_TOGETHER;
}

/** One CPU, then up to all cores, then more CPUs than cores. */
function usualCpus(quick: boolean): number[] {
  const cores = Math.min(availableParallelism(), 16);
  const steps = [1, 2, 4, 8, 16].filter((cpus) => cpus < cores);
  const between = quick ? steps.filter((cpus) => cpus <= 2) : steps;
  return [...new Set([...between, cores, Math.min(cores * CROWD, 32)])];
}

function isPossible(subject: SubjectInfo, workload: Workload, cpus: number): boolean {
  if (cpus < workload.leastCpus) return false;
  if (workload.sizes === "mixed" && subject.singleSize) return false;
  const travels = workload.crossing && cpus > 1;
  // Private blocks are compared where each CPU frees its own; copies, where objects must travel.
  if (subject.travel === "never") return !travels;
  return subject.travel === "shared" || travels;
}

function sizesOf(workload: Workload, cpus: number, options: ScaleOptions): readonly number[] {
  if (workload.sizes === "mixed") return [0];
  if (options.sizes !== undefined) return options.sizes;
  if (workload.name.startsWith("bulk-")) return cpus === 1 ? [BULK_SIZE] : [];
  if (!options.quick && cpus === 1 && EVERY_SIZE.has(workload.name)) return ALL_SIZES;
  return [USUAL_SIZE];
}
