// SPDX-License-Identifier: GPL-2.0-only
/** What the stress page and its threads say to each other. */
import type { SharedKernel } from "../../src/kernel/index.ts";

/** The first thread boots, the others attach to what it has booted. */
export interface Started {
  readonly cpus: number;
  readonly allocator: "slub" | "slab";
  readonly shared?: SharedKernel;
  /** Objects that any thread may take and free, and in the last word what the threads are to do. */
  readonly shelf: Int32Array;
}

/** The last word of the shelf. */
export const WAIT = 0;
export const RUN = 1;
export const OVER = 2;

export type Told =
  | { readonly kind: "ready"; readonly shared: SharedKernel }
  | { readonly kind: "progress"; readonly operations: number }
  | { readonly kind: "ended"; readonly operations: number; readonly error?: string };
