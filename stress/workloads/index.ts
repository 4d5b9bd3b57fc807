/** The workloads by name; the first is the default. */
import { mixed } from "./mixed.ts";
import { pairs } from "./pairs.ts";
import type { Workload } from "./workload.ts";

export type { Workload };

export const WORKLOADS: ReadonlyMap<string, Workload> = new Map(
  [mixed, pairs].map((workload) => [workload.name, workload]),
);
