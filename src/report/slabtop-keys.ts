// SPDX-License-Identifier: GPL-2.0-only
/** What slabtop sorts by. */
import type { SlabinfoRow } from "../sysfs/slabinfo.ts";

export const pages = (row: SlabinfoRow): number => row.numSlabs << row.cacheOrder;
export const use = (row: SlabinfoRow): number =>
  row.numObjs === 0 ? 0 : Math.floor((100 * row.activeObjs) / row.numObjs);

/** The column that each key sorts by; all but the name from the largest down. */
export const SORT_KEYS: Readonly<
  Record<string, { readonly title: string; readonly by: (row: SlabinfoRow) => number | string }>
> = {
  a: { title: "active objects", by: (row) => row.activeObjs },
  b: { title: "objects per slab", by: (row) => row.objectsPerSlab },
  c: { title: "cache size", by: pages },
  l: { title: "slabs", by: (row) => row.numSlabs },
  v: { title: "active slabs", by: (row) => row.activeSlabs },
  n: { title: "name", by: (row) => row.name },
  o: { title: "objects", by: (row) => row.numObjs },
  p: { title: "pages per slab", by: (row) => 1 << row.cacheOrder },
  s: { title: "object size", by: (row) => row.size },
  u: { title: "use", by: use },
};
