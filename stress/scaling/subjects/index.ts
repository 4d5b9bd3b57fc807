// SPDX-License-Identifier: GPL-2.0-only
/**
 * All subjects by name, in the order in which they are reported, and the features of each, which
 * are known before any thread makes one.
 */
import type { BootOptions } from "../../../src/kernel/boot-options.ts";

/** The implementation behind a subject's calls. */
export type SubjectKind = "cache" | "kmalloc" | "thing-malloc" | "tlsf" | "heap" | "nothing";

export interface SubjectInfo {
  readonly name: string;
  readonly title: string;
  readonly kind: SubjectKind;
  /** One size at a time: no workload of mixed sizes. */
  readonly singleSize: boolean;
  /** How handles get to another thread: as a number, as a copy, or not at all. */
  readonly travel: "shared" | "posted" | "never";
  /** For ours: how the kernel is booted, and seen. */
  readonly boot?: BootOptions;
  readonly variant?: "ledger" | "no-statistics";
  /** The package it needs, which may not be installed. */
  readonly needs?: string;
}

const cache = { kind: "cache", singleSize: true, travel: "shared" } as const;
const kmalloc = { kind: "kmalloc", singleSize: false, travel: "shared" } as const;
const SLAB: BootOptions = { allocator: "slab", kernel: "4.1" };
const peer = { singleSize: false, travel: "shared" } as const;

export const SUBJECTS: ReadonlyMap<string, SubjectInfo> = new Map(
  (
    [
      { name: "slub", title: "SLUB, a cache", ...cache, boot: { kernel: "4.1" } },
      { name: "slab", title: "SLAB, a cache", ...cache, boot: SLAB },
      { name: "sheaves", title: "SLUB of 7.1, a cache", ...cache, boot: { kernel: "7.1" } },
      { name: "slub-kmalloc", title: "SLUB, kmalloc", ...kmalloc, boot: { kernel: "4.1" } },
      { name: "slab-kmalloc", title: "SLAB, kmalloc", ...kmalloc, boot: SLAB },
      {
        name: "sheaves-kmalloc",
        title: "SLUB of 7.1, kmalloc",
        ...kmalloc,
        boot: { kernel: "7.1" },
      },
      {
        name: "slub-atomics",
        title: "SLUB, swaps by Atomics",
        ...cache,
        boot: { kernel: "4.1", swap: "atomics" },
      },
      {
        name: "slub-slab_lock",
        title: "SLUB, slab_lock instead of a double swap",
        ...cache,
        boot: { kernel: "4.1", swap: "slab_lock" },
      },
      {
        name: "slub-no-statistics",
        title: "SLUB without its statistics",
        ...cache,
        boot: { kernel: "4.1" },
        variant: "no-statistics",
      },
      {
        name: "slub-ledger",
        title: "SLUB, every object watched",
        ...cache,
        boot: { kernel: "4.1" },
        variant: "ledger",
      },
      {
        name: "thi.ng",
        title: "@thi.ng/malloc under a lock",
        ...peer,
        kind: "thing-malloc",
        needs: "@thi.ng/malloc",
      },
      {
        name: "tlsf",
        title: "AssemblyScript's tlsf under a lock",
        ...peer,
        kind: "tlsf",
        needs: "assemblyscript",
      },
      {
        name: "heap",
        title: "new Uint8Array",
        kind: "heap",
        singleSize: false,
        travel: "never",
      },
      {
        name: "postmessage",
        title: "new Uint8Array, to others by postMessage",
        kind: "heap",
        singleSize: false,
        travel: "posted",
      },
      { name: "nothing", title: "no allocator: the workload itself", ...peer, kind: "nothing" },
    ] satisfies SubjectInfo[]
  ).map((subject) => [subject.name, subject]),
);
