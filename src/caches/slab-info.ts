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
}
