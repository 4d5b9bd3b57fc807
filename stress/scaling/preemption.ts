// SPDX-License-Identifier: GPL-2.0-only
/**
 * How often the running thread has lost its core to another: a window in which that happened
 * measures the other. Linux tells it per thread; elsewhere the process's count has to do, which
 * discards more than it must.
 */
import { existsSync, readFileSync } from "node:fs";

const STATUS = "/proc/thread-self/status";
const isPerThread = existsSync(STATUS);

/** Only differences mean something. */
export function involuntarySwitches(): number {
  if (!isPerThread) return process.resourceUsage().involuntaryContextSwitches;
  const [, switches] =
    /nonvoluntary_ctxt_switches:\s*(\d+)/.exec(readFileSync(STATUS, "utf8")) ?? [];
  return Number(switches ?? 0);
}
