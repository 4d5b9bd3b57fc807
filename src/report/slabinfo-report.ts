// SPDX-License-Identifier: GPL-2.0-only
/**
 * The report of the kernel's slabinfo tool on one cache (slabinfo -r), line by line, with what is odd
 * about it: kernels export no `ops`, so there never are any, and the tool of 4.1 has two misprints.
 */
import { PAGE_SIZE } from "../machine/machine.ts";
import type { CacheFacts } from "../sysfs/cache-facts.ts";
import { isWide, left, percent, right, sizeText, spaceOf, type ToolOf } from "./slabinfo.ts";

const onOff = (flag: number) => (flag === 1 ? "On " : "Off");

export function reportView(cache: CacheFacts, tool: ToolOf): string {
  const lines = [
    "",
    `Slabcache: ${left(cache.name, isWide(tool) ? 15 : 20)}  Aliases: ${right(cache.aliases, 2)} Order : ${right(cache.order, 2)} Objects: ${cache.objects}`,
    ...properties(cache),
    "",
    "Sizes (bytes)     Slabs              Debug                Memory",
    "-".repeat(72),
    ...sizes(cache),
    "",
    `${cache.name} has no kmem_cache operations`,
    "",
    ...tracking(cache),
    "",
    ...nodes(cache),
    ...counters(cache, tool),
  ];
  return `${lines.join("\n")}\n`;
}

function properties(cache: CacheFacts): string[] {
  const all: [number, string][] = [
    [cache.hwcache_align, "** Hardware cacheline aligned"],
    [cache.cache_dma, "** Memory is allocated in a special DMA zone"],
    [cache.destroy_by_rcu, "** Slabs are destroyed via RCU"],
    [cache.reclaim_account, "** Reclaim accounting active"],
  ];
  return all.filter(([flag]) => flag === 1).map(([, line]) => line);
}

type SizeRow = readonly [
  size: string,
  bytes: number,
  slabs: string,
  count: number,
  debug: string,
  flag: number,
  memory: string,
  amount: number,
];

function sizes(cache: CacheFacts): string[] {
  const slabBytes = PAGE_SIZE << cache.order;
  const space = spaceOf(cache);
  const used = cache.objects * cache.object_size;
  const around = cache.slab_size - cache.object_size;
  const full = cache.slabs - cache.partial - cache.cpu_slabs;
  const rest = (slabBytes - cache.objs_per_slab * cache.slab_size) * cache.slabs;
  const checks = cache.sanity_checks;
  const rows: readonly SizeRow[] = [
    ["Object", cache.object_size, "Total", cache.slabs, "Sanity Checks", checks, "Total", space],
    ["SlabObj", cache.slab_size, "Full", full, "Redzoning", cache.red_zone, "Used", used],
    [
      "SlabSiz",
      slabBytes,
      "Partial",
      cache.partial,
      "Poisoning",
      cache.poison,
      "Loss",
      space - used,
    ],
    [
      "Loss",
      around,
      "CpuSlab",
      cache.cpu_slabs,
      "Tracking",
      cache.store_user,
      "Lalig",
      around * cache.objects,
    ],
    ["Align", cache.align, "Objects", cache.objs_per_slab, "Tracing", cache.trace, "Lpadd", rest],
  ];
  return rows.map(
    ([size, bytes, slabs, count, debug, flag, memory, amount]) =>
      `${left(size, 7)}: ${right(bytes, 7)}  ${left(slabs, 7)}: ${right(count, 7)}   ${left(debug, 14)}: ${onOff(flag)}  ${left(memory, 5)}: ${right(amount, 7)}`,
  );
}

function tracking({ name, allocCalls, freeCalls }: CacheFacts): string[] {
  const text = (calls: string) => (calls === "" ? ["No Data"] : calls.trimEnd().split("\n"));
  return [
    `${name}: Kernel object allocation`,
    "-".repeat(71),
    ...text(allocCalls),
    "",
    `${name}: Kernel object freeing`,
    "-".repeat(72),
    ...text(freeCalls),
  ];
}

function nodes({ name, slabsOfNodes, partialOfNodes }: CacheFacts): string[] {
  const count = Math.max(slabsOfNodes.length, partialOfNodes.length);
  if (count <= 1) return [`${name}: No NUMA information available.`];
  const row = (title: string, numbers: readonly number[]) => {
    const cells = Array.from({ length: count }, (_, nid) => right(sizeText(numbers[nid] ?? 0), 4));
    return `${left(title, 21)} ${cells.map((cell) => ` ${cell}`).join("")}`;
  };
  const numbers = Array.from({ length: count }, (_, nid) => ` ${right(nid, 4)}`).join("");
  return [
    `${left("NUMA nodes", 21)}:${numbers}`,
    "-".repeat(22 + 5 * count),
    row("All slabs", slabsOfNodes),
    row("Partial slabs", partialOfNodes),
  ];
}

/** Where allocations and frees were served; nothing where there were none (slab_stats). */
function counters({ statistics: s }: CacheFacts, tool: ToolOf): string[] {
  const allocated = s.alloc_fastpath + s.alloc_slowpath;
  const freed = s.free_fastpath + s.free_slowpath;
  if (s.alloc_slab === 0 || allocated === 0) return [];
  const row = (name: string, allocs: number, frees: number) =>
    `${left(name, 20)} ${right(allocs, 8)} ${right(frees, 8)} ${right(percent(allocs, allocated), 3)} ${right(percent(frees, freed), 3)}`;
  return [
    "",
    "Slab Perf Counter       Alloc     Free %Al %Fr",
    "-".repeat(50),
    row("Fastpath", s.alloc_fastpath, s.free_fastpath),
    row("Slowpath", s.alloc_slowpath, s.free_slowpath),
    row("Page Alloc", s.alloc_slab, s.free_slab),
    row("Add partial", s.deactivate_to_head + s.deactivate_to_tail, s.free_add_partial),
    row("Remove partial", s.alloc_from_partial, s.free_remove_partial),
    row("Cpu partial list", s.cpu_partial_alloc, s.cpu_partial_free),
    row("RemoteObj/SlabFrozen", s.deactivate_remote_frees, s.free_frozen),
    `${left("Total", 20)} ${right(allocated, 8)} ${right(freed, 8)}`,
    "",
    ...(s.cpuslab_flush > 0 ? [`Flushes ${right(s.cpuslab_flush, 8)}`] : []),
    ...deactivations(s, tool),
    ...swaps(s, tool),
  ];
}

function deactivations(s: CacheFacts["statistics"], tool: ToolOf): string[] {
  const total =
    s.deactivate_full +
    s.deactivate_empty +
    s.deactivate_to_head +
    s.deactivate_to_tail +
    s.deactivate_bypass;
  if (total === 0) return [];
  // The last two are no deactivations, and their share may be more than all.
  const events: [string, number][] = [
    ["Slab full", s.deactivate_full],
    ["Slab empty", s.deactivate_empty],
    ["Moved to head of partial list", s.deactivate_to_head],
    ["Moved to tail of partial list", s.deactivate_to_tail],
    ["Deactivation bypass", s.deactivate_bypass],
    ["Refilled from foreign frees", s.alloc_refill],
    ["Node mismatch", s.alloc_node_mismatch],
  ];
  return [
    "",
    `Slab Deactivation             ${isWide(tool) ? "Occurrences" : "Ocurrences "} %`,
    "-".repeat(49),
    ...events.map(
      ([name, count]) =>
        `${left(name, 29)} ${right(count, 7)}  ${right(percent(count, total), 3)}%`,
    ),
  ];
}

/** The tool of 4.1 prints the two numbers without their heading, too. */
function swaps(s: CacheFacts["statistics"], tool: ToolOf): string[] {
  const any = s.cmpxchg_double_fail > 0 || s.cmpxchg_double_cpu_fail > 0;
  if (!any && isWide(tool)) return [];
  return [
    ...(any ? ["", "Cmpxchg_double Looping", "-".repeat(24)] : []),
    `Locked Cmpxchg Double redos   ${s.cmpxchg_double_fail}`,
    `Unlocked Cmpxchg Double redos ${s.cmpxchg_double_cpu_fail}`,
  ];
}
