// SPDX-License-Identifier: GPL-2.0-only
/** Allocators of which nothing but the geometry is known. */
import type { Command } from "commander";
import { DEFAULT_KERNEL } from "../caches/kernel-version.ts";
import { whyItCannotRun } from "../kernel/classes.ts";
import { badUsage } from "./common.ts";
import type { KernelOptions } from "./options/kernel.ts";

/** Ends the program where that one is asked for. */
export function refuseWhatCannotRun(command: Command, { allocator, kernel }: KernelOptions): void {
  const why = whyItCannotRun(allocator, kernel);
  if (why !== undefined) {
    badUsage(command, `${why}; use --kernel ${DEFAULT_KERNEL}, or --allocator slab`);
  }
}
