// SPDX-License-Identifier: GPL-2.0-only
/** All workloads by name, in the order in which they are reported. */
import type { Workload } from "../workload.ts";
import { allocTest } from "./alloc-test.ts";
import { fifo, randomOrder } from "./alloc-then-free.ts";
import { bulks } from "./bulk.ts";
import { cacheScratch, cacheThrash } from "./false-sharing.ts";
import { larson } from "./larson.ts";
import { mstress } from "./mstress.ts";
import { pairs } from "./pairs.ts";
import { oneAllocates, xmallocTest } from "./producers.ts";
import { remoteFree } from "./remote-free.ts";
import { sh6bench, sh8bench } from "./smart-heap.ts";

export const SCALE_WORKLOADS: ReadonlyMap<string, Workload> = new Map(
  [
    ...[pairs, fifo, randomOrder, ...bulks, remoteFree, oneAllocates, larson],
    ...[xmallocTest, mstress, sh6bench, sh8bench, allocTest, cacheThrash, cacheScratch],
  ].map((workload) => [workload.name, workload]),
);
