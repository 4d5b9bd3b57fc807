// SPDX-License-Identifier: GPL-2.0-only
/**
 * The views of the kernel's slabinfo tool (tools/mm/slabinfo.c): list and aliases. Facts in, text
 * out. The tool of 4.1 has narrower columns.
 */
import { type KernelVersion, since } from "../caches/kernel-version.ts";
import { PAGE_SIZE } from "../machine/machine.ts";
import type { CacheFacts } from "../sysfs/cache-facts.ts";

export const left = (text: string, width: number): string => text.padEnd(width);
export const right = (value: number | string, width: number): string =>
  String(value).padStart(width);
export const percent = (part: number, whole: number): number =>
  whole === 0 ? 0 : Math.floor((part * 100) / whole);

/** Bytes as the tool writes them: one decimal, thousands of thousands. */
export function sizeText(bytes: number): string {
  for (const [limit, letter] of [
    [1_000_000_000, "G"],
    [1_000_000, "M"],
    [1000, "K"],
  ] as const) {
    if (bytes > limit) return `${(Math.floor((bytes * 10) / limit) / 10).toFixed(1)}${letter}`;
  }
  return String(bytes);
}

/** Bytes of all slabs of a cache. */
export function spaceOf(cache: CacheFacts): number {
  return cache.slabs * (PAGE_SIZE << cache.order);
}

const LETTERS: readonly [letter: string, has: (cache: CacheFacts) => boolean][] = [
  ["*", (cache) => cache.aliases > 0],
  ["d", (cache) => cache.cache_dma === 1],
  ["A", (cache) => cache.hwcache_align === 1],
  ["P", (cache) => cache.poison === 1],
  ["a", (cache) => cache.reclaim_account === 1],
  ["Z", (cache) => cache.red_zone === 1],
  ["F", (cache) => cache.sanity_checks === 1],
  ["U", (cache) => cache.store_user === 1],
  ["T", (cache) => cache.trace === 1],
];

/** Which tool prints: the one that came with the kernel. */
export type ToolOf = KernelVersion;

/** Width of what the tools print in columns of their own: 10 until 4.2, 15 since. */
export function isWide(tool: ToolOf): boolean {
  return since(tool, "4.3");
}

/** A line for each cache that has slabs. */
export function listView(caches: readonly CacheFacts[], tool: ToolOf): string {
  const space = isWide(tool) ? "           Space" : "    Space";
  const header = `Name                   Objects Objsize${space} Slabs/Part/Cpu  O/S O %Fr %Ef Flg`;
  const lines = caches.filter((cache) => cache.slabs > 0).map((cache) => listLine(cache, tool));
  return `${[header, ...lines].join("\n")}\n`;
}

function listLine(cache: CacheFacts, tool: ToolOf): string {
  const shares = `${cache.slabs - cache.cpu_slabs}/${cache.partial}/${cache.cpu_slabs}`;
  const flags = LETTERS.filter(([, has]) => has(cache)).map(([letter]) => letter);
  return [
    left(cache.name, 21),
    right(cache.objects, 8),
    right(cache.object_size, 7),
    right(sizeText(spaceOf(cache)), isWide(tool) ? 15 : 8),
    right(shares, 14),
    right(cache.objs_per_slab, 4),
    cache.order,
    right(percent(cache.partial, cache.slabs), 3),
    right(percent(cache.objects * cache.object_size, spaceOf(cache)), 3),
    flags.join(""),
  ].join(" ");
}

/** Each cache that several names lead to, and the names. */
export function aliasView(caches: readonly CacheFacts[]): string {
  return caches
    .filter((cache) => cache.links.length > 1)
    .map((cache) => `${left(cache.name, 12)} <- ${cache.links.join(" ")}\n`)
    .join("");
}
