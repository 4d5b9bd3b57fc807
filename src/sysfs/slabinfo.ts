// SPDX-License-Identifier: GPL-2.0-only
/**
 * /proc/slabinfo, version 2.1, to the byte: two lines of header, then a line for each cache, newest
 * first; a SLAB with DEBUG_SLAB adds its statistics. slab_mutex is held over the whole of it, so no
 * cache comes or goes meanwhile.
 */
import { EINVAL, EIO } from "../caches/errno.ts";
import { KmemCacheBase } from "../caches/kmem-cache.ts";
import { CPUSTAT, GLOBALSTAT, type SlabInfo, type SlabStatistics } from "../caches/slab-info.ts";
import type { System } from "../kernel/system.ts";

const VERSION = "slabinfo - version: 2.1";
const COLUMNS =
  "# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab>" +
  " : tunables <limit> <batchcount> <sharedfactor>" +
  " : slabdata <active_slabs> <num_slabs> <sharedavail>";
const STATISTICS_COLUMNS = ` : globalstat ${bracketed(GLOBALSTAT)} : cpustat ${bracketed(CPUSTAT)}`;

function bracketed(names: readonly string[]): string {
  return names.map((name) => `<${name}>`).join(" ");
}

/** Longer lines than this are refused whole. */
const MAX_SLABINFO_WRITE = 128;

/** A cache's row, as numbers. */
export interface SlabinfoRow extends SlabInfo {
  readonly name: string;
  /** Bytes of an object, with whatever lies around it. */
  readonly size: number;
}

/** All rows. To be called as a CPU; may sleep. */
export function slabinfoRows(system: System): SlabinfoRow[] {
  const { common, observer, memory } = system;
  return common
    .withCaches((s): SlabinfoRow[] => {
      // The cache of a group is counted with its root.
      if ((common.groups?.rootOf(s) ?? 0) !== 0) return [];
      const children = common.groups?.childrenOf(s) ?? [];
      const info = children.reduce(
        (sum, child) => withChild(sum, observer.slabInfo(child)),
        observer.slabInfo(s),
      );
      return [{ ...info, name: common.nameOf(s), size: memory.read32(s + KmemCacheBase.size) }];
    })
    .flat();
}

/** memcg_accumulate_slabinfo */
function withChild(sum: SlabInfo, child: SlabInfo): SlabInfo {
  return {
    ...sum,
    activeObjs: sum.activeObjs + child.activeObjs,
    numObjs: sum.numObjs + child.numObjs,
    activeSlabs: sum.activeSlabs + child.activeSlabs,
    numSlabs: sum.numSlabs + child.numSlabs,
    sharedAvail: sum.sharedAvail + child.sharedAvail,
  };
}

/** The file's text; with the statistics where the kernel keeps them. As a CPU; may sleep. */
export function readSlabinfo(system: System): string {
  const rows = slabinfoRows(system);
  const header = rows.some((row) => row.statistics !== undefined)
    ? [`${VERSION} (statistics)`, COLUMNS + STATISTICS_COLUMNS]
    : [VERSION, COLUMNS];
  return [...header, ...rows.map(line), ""].join("\n");
}

const column = (value: number, width: number) => String(value).padStart(width);

function line(row: SlabinfoRow): string {
  return (
    `${row.name.padEnd(17)} ${column(row.activeObjs, 6)} ${column(row.numObjs, 6)}` +
    ` ${column(row.size, 6)} ${column(row.objectsPerSlab, 4)} ${column(1 << row.cacheOrder, 4)}` +
    ` : tunables ${column(row.limit, 4)} ${column(row.batchcount, 4)} ${column(row.shared, 4)}` +
    ` : slabdata ${column(row.activeSlabs, 6)} ${column(row.numSlabs, 6)} ${column(row.sharedAvail, 6)}` +
    (row.statistics === undefined ? "" : statisticsOf(row.statistics))
  );
}

/** slabinfo_show_stats */
function statisticsOf(counts: SlabStatistics): string {
  const widths = [7, 6, 5];
  const global = GLOBALSTAT.map((name, i) => column(counts[name], widths[i] ?? 4));
  const cpu = CPUSTAT.map((name) => column(counts[name], 6));
  return ` : globalstat ${global.join(" ")} : cpustat ${cpu.join(" ")}`;
}

type Tunables = [limit: number, batchcount: number, shared: number];

/** What sscanf makes of `name %d %d %d`: whatever follows the third number is ignored. */
const TUNABLES = /^([^ ]*) \s*(-?\d+)(?:\s+|(?=-))(-?\d+)(?:\s+|(?=-))(-?\d+)/;

/**
 * slabinfo_write: `name limit batchcount shared` sets the queues of a SLAB cache; sizes that make no
 * sense change nothing. 0, -ENOMEM, -EINVAL for another text or an unknown cache, -EIO for any text
 * where caches have no queues. To be called as a CPU; may sleep.
 */
export function writeSlabinfo(system: System, text: string): number {
  const { observer, common } = system;
  if (observer.tuneLocked === undefined) return -EIO;
  const words = text.length > MAX_SLABINFO_WRITE ? null : TUNABLES.exec(text);
  if (words === null) return -EINVAL;
  const name = words[1];
  const [limit, batchcount, shared] = words.slice(2).map((word) => Number(word) | 0) as Tunables;
  let error: number | undefined;
  common.withCaches((s) => {
    if (error !== undefined || common.nameOf(s) !== name) return;
    error = observer.tuneLocked?.(s, limit, batchcount, shared);
  });
  return error ?? -EINVAL;
}
