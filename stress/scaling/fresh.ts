// SPDX-License-Identifier: GPL-2.0-only
/**
 * A workload loaded anew, so that no point profits or suffers from those before it: V8 keeps what it
 * has learnt with the code of a function. A loop that exists once also sees its allocator as the
 * constant that it is in a program which keeps its kernel in a constant.
 */
import type { Workload } from "./workload.ts";

/** The same workload from another evaluation of its module; `point` tells evaluations apart. */
export async function loadedAnew(workload: Workload, point: number): Promise<Workload> {
  const exported: Record<string, unknown> = await import(`${workload.module}?point=${point}`);
  const again = Object.values(exported)
    .flat()
    .find((found) => (found as Partial<Workload>).name === workload.name);
  if (again === undefined) throw new Error(`${workload.module} does not export ${workload.name}`);
  return again as Workload;
}
