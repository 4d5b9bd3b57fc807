// SPDX-License-Identifier: GPL-2.0-only
/**
 * What the kernel's slabinfo tool reads of every cache before it prints anything: numbers out of
 * the files of its directory, and the links that lead there.
 */
import { STAT_NAMES, type StatName } from "../slub/statistics.ts";
import type { SlabSysfs } from "./sysfs.ts";

const NUMBERS = [
  "slab_size",
  "object_size",
  "objs_per_slab",
  "order",
  "align",
  "objects",
  "objects_partial",
  "total_objects",
  "slabs",
  "partial",
  "cpu_slabs",
  "aliases",
  "hwcache_align",
  "reclaim_account",
  "cache_dma",
  "destroy_by_rcu",
  "poison",
  "red_zone",
  "sanity_checks",
  "store_user",
  "trace",
] as const;

type NumberFile = (typeof NUMBERS)[number];

export interface CacheFacts extends Readonly<Record<NumberFile, number>> {
  /** An alias where the directory has a machine-made name: the tool prefers a readable one. */
  readonly name: string;
  readonly directory: string;
  /** Names that lead to the directory, sorted. */
  readonly links: readonly string[];
  /** Slabs of each node, and partial ones; one number each where there is one node. */
  readonly slabsOfNodes: readonly number[];
  readonly partialOfNodes: readonly number[];
  /** Callers that allocated the objects in use, and that freed them before; empty without tracking. */
  readonly allocCalls: string;
  readonly freeCalls: string;
  readonly statistics: Readonly<Record<StatName, number>>;
}

/** All caches by name. To be called as a CPU of a machine with SLUB. */
export function cacheFacts(sysfs: SlabSysfs): CacheFacts[] {
  const names = sysfs.names();
  return names
    .filter((entry) => !entry.isLink)
    .map(({ name: directory, cache }) => {
      const links = names
        .filter((entry) => entry.isLink && entry.cache === cache)
        .map((entry) => entry.name)
        .sort();
      // A file that this kernel does not have, or that cannot be read, has no text and counts as 0.
      const text = (file: string) => {
        const found = sysfs.read(directory, file);
        return typeof found === "string" ? found : "";
      };
      const read = (file: string) => Number.parseInt(text(file) || "0", 10);
      return {
        ...record(NUMBERS, read),
        name: directory.startsWith(":") ? (readable(links) ?? directory) : directory,
        directory,
        links,
        slabsOfNodes: nodeNumbers(text("slabs")),
        partialOfNodes: nodeNumbers(text("partial")),
        allocCalls: text("alloc_calls"),
        freeCalls: text("free_calls"),
        statistics: record(STAT_NAMES, read),
      };
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The shares of `6 N0=4 N2=2` (decode_numa_list): 4, 0, 2. */
function nodeNumbers(text: string): number[] {
  const numbers: number[] = [];
  for (const [, node, count] of text.matchAll(/N(\d+)=(\d+)/g))
    numbers[Number(node)] = Number(count);
  return Array.from(numbers, (count) => count ?? 0);
}

function record<T extends string>(
  names: readonly T[],
  read: (name: T) => number,
): Record<T, number> {
  return Object.fromEntries(names.map((name) => [name, read(name)])) as Record<T, number>;
}

/** A kmalloc cache's own name, else the longest. */
function readable(links: readonly string[]): string | undefined {
  const kmalloc = links.find((link) => link.startsWith("kmalloc"));
  return kmalloc ?? [...links].sort((a, b) => b.length - a.length)[0];
}
