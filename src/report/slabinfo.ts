// SPDX-License-Identifier: GPL-2.0-only
/**
 * The views of the kernel's slabinfo tool (tools/mm/slabinfo.c): list, aliases, and the report on
 * one cache. Facts in, text out.
 */
import { PAGE_SIZE } from "../machine/machine.ts";
import type { CacheFacts } from "../sysfs/cache-facts.ts";

export const left = (text: string, width: number): string => text.padEnd(width);
export const right = (value: number | string, width: number): string =>
  String(value).padStart(width);
const percent = (part: number, whole: number): number =>
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

/** A line for each cache that has slabs. */
export function listView(caches: readonly CacheFacts[]): string {
  const header =
    "Name                   Objects Objsize           Space Slabs/Part/Cpu  O/S O %Fr %Ef Flg";
  return `${[header, ...caches.filter((cache) => cache.slabs > 0).map(listLine)].join("\n")}\n`;
}

function listLine(cache: CacheFacts): string {
  const shares = `${cache.slabs - cache.cpu_slabs}/${cache.partial}/${cache.cpu_slabs}`;
  const flags = LETTERS.filter(([, has]) => has(cache)).map(([letter]) => letter);
  return [
    left(cache.name, 21),
    right(cache.objects, 8),
    right(cache.object_size, 7),
    right(sizeText(spaceOf(cache)), 15),
    right(shares, 14),
    right(cache.objs_per_slab, 4),
    cache.order,
    right(percent(cache.partial, cache.slabs), 3),
    right(percent(cache.objects * cache.object_size, spaceOf(cache)), 3),
    flags.join(""),
  ]
    .join(" ")
    .trimEnd();
}

/** Each cache that several names lead to, and the names. */
export function aliasView(caches: readonly CacheFacts[]): string {
  return caches
    .filter((cache) => cache.links.length > 1)
    .map((cache) => `${left(cache.name, 12)} <- ${cache.links.join(" ")}\n`)
    .join("");
}

/** Everything about one cache. */
export function reportView(cache: CacheFacts): string {
  const onOff = (flag: number) => (flag === 1 ? "On" : "Off");
  const slabBytes = PAGE_SIZE << cache.order;
  const used = cache.objects * cache.object_size;
  const rows: [string, number, string, number, string, string, string, number][] = [
    [
      "Object",
      cache.object_size,
      "Total",
      cache.slabs,
      "Sanity Checks",
      onOff(cache.sanity_checks),
      "Total",
      spaceOf(cache),
    ],
    [
      "SlabObj",
      cache.slab_size,
      "Full",
      cache.slabs - cache.partial - cache.cpu_slabs,
      "Redzoning",
      onOff(cache.red_zone),
      "Used",
      used,
    ],
    [
      "SlabSiz",
      slabBytes,
      "Partial",
      cache.partial,
      "Poisoning",
      onOff(cache.poison),
      "Loss",
      spaceOf(cache) - used,
    ],
    [
      "Loss",
      cache.slab_size - cache.object_size,
      "CpuSlab",
      cache.cpu_slabs,
      "Tracking",
      onOff(cache.store_user),
      "Lalig",
      (cache.slab_size - cache.object_size) * cache.objects,
    ],
    [
      "Align",
      cache.align,
      "Objects",
      cache.objs_per_slab,
      "Tracing",
      onOff(cache.trace),
      "Lpadd",
      (slabBytes - cache.objs_per_slab * cache.slab_size) * cache.slabs,
    ],
  ];
  const lines = rows.map(
    ([size, bytes, slabs, count, debug, state, memory, amount]) =>
      `${left(size, 7)}: ${right(bytes, 7)}  ${left(slabs, 7)}: ${right(count, 7)}   ${left(debug, 13)}: ${left(state, 4)} ${left(memory, 5)}: ${right(amount, 8)}`,
  );
  return [
    "",
    `Slabcache: ${left(cache.name, 15)}  Aliases: ${right(cache.aliases, 2)} Order : ${right(cache.order, 2)} Objects: ${cache.objects}`,
    ...(cache.hwcache_align === 1 ? ["** Hardware cacheline aligned"] : []),
    ...(cache.cache_dma === 1 ? ["** Memory is allocated in a special DMA zone"] : []),
    ...(cache.reclaim_account === 1 ? ["** Reclaim accounting active"] : []),
    "",
    "Sizes (bytes)     Slabs              Debug                Memory",
    "-".repeat(72),
    ...lines,
    "",
    ...counterLines(cache),
    "",
  ].join("\n");
}

/** Where allocations and frees were served; nothing where there were none. */
function counterLines({ statistics: s }: CacheFacts): string[] {
  const allocated = s.alloc_fastpath + s.alloc_slowpath;
  const freed = s.free_fastpath + s.free_slowpath;
  if (allocated === 0) return [];
  const row = (name: string, allocs: number, frees: number) =>
    `${left(name, 21)} ${right(allocs, 8)} ${right(frees, 8)} ${right(percent(allocs, allocated), 3)} ${right(percent(frees, freed), 3)}`;
  const deactivations =
    s.deactivate_full +
    s.deactivate_empty +
    s.deactivate_to_head +
    s.deactivate_to_tail +
    s.deactivate_bypass;
  const event = (name: string, count: number) =>
    `${left(name, 26)} ${right(count, 8)} ${right(percent(count, deactivations), 3)}%`;
  return [
    "Slab Perf Counter       Alloc     Free %Al %Fr",
    "-".repeat(50),
    row("Fastpath", s.alloc_fastpath, s.free_fastpath),
    row("Slowpath", s.alloc_slowpath, s.free_slowpath),
    row("Page Alloc", s.alloc_slab, s.free_slab),
    row("Add partial", s.deactivate_to_head + s.deactivate_to_tail, s.free_add_partial),
    row("Remove partial", s.alloc_from_partial, s.free_remove_partial),
    row("Cpu partial list", s.cpu_partial_alloc, s.cpu_partial_free),
    row("RemoteObj/SlabFrozen", s.deactivate_remote_frees, s.free_frozen),
    `${left("Total", 21)} ${right(allocated, 8)} ${right(freed, 8)}`,
    ...(s.cpuslab_flush > 0 ? [`Flushes ${right(s.cpuslab_flush, 8)}`] : []),
    "",
    "Slab Deactivation             Occurrences %",
    "-".repeat(50),
    event("Slab full", s.deactivate_full),
    event("Slab empty", s.deactivate_empty),
    event("Moved to head of partial", s.deactivate_to_head),
    event("Moved to tail of partial", s.deactivate_to_tail),
    event("Deactivation bypass", s.deactivate_bypass),
    event("Refilled from foreign frees", s.alloc_refill),
    event("Node mismatch", s.alloc_node_mismatch),
    "",
    "Cmpxchg_double looping",
    "-".repeat(50),
    `Locked Cmpxchg Double redos   ${s.cmpxchg_double_fail}`,
    `Unlocked Cmpxchg Double redos ${s.cmpxchg_double_cpu_fail}`,
  ];
}
