// SPDX-License-Identifier: GPL-2.0-only
/** One row of /proc/slabinfo, as numbers (struct slabinfo). */
export interface SlabInfo {
  readonly activeObjs: number;
  readonly numObjs: number;
  readonly objectsPerSlab: number;
  /** log2 of a slab's pages. */
  readonly cacheOrder: number;
  /** SLAB's queues; 0 where there are none. */
  readonly limit: number;
  readonly batchcount: number;
  readonly shared: number;
  readonly activeSlabs: number;
  readonly numSlabs: number;
  readonly sharedAvail: number;
  /** Only of a kernel that counts them: SLAB with DEBUG_SLAB. */
  readonly statistics?: SlabStatistics;
}

/** The columns that `(statistics)` adds, by the names and in the order of the file. */
export const GLOBALSTAT = [
  "listallocs",
  "maxobjs",
  "grown",
  "reaped",
  "error",
  "maxfreeable",
  "nodeallocs",
  "remotefrees",
  "alienoverflow",
] as const;
export const CPUSTAT = ["allochit", "allocmiss", "freehit", "freemiss"] as const;

export type SlabStatistics = Readonly<
  Record<(typeof GLOBALSTAT)[number] | (typeof CPUSTAT)[number], number>
>;
