// SPDX-License-Identifier: GPL-2.0-only
/** How many objects the sheaves of a workload's caches shall hold. */
import { type KernelVersion, since } from "../src/caches/kernel-version.ts";

const ASKED_FOR = 28;

/** 0 where there are no sheaves, or every cache has them: only 6.18 and 6.19 have to be asked. */
export function sheafCapacityFor(kernel: KernelVersion): number {
  return since(kernel, "6.18") && !since(kernel, "7.0") ? ASKED_FOR : 0;
}
