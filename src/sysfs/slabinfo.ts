/**
 * /proc/slabinfo, version 2.1, to the byte: two lines of header, then a line for each cache, newest
 * first. slab_mutex is held over the whole of it, so no cache comes or goes meanwhile.
 */
import { EINVAL } from "../caches/errno.ts";
import { KmemCacheBase } from "../caches/kmem-cache.ts";
import type { System } from "../kernel/system.ts";

const HEADER = [
  "slabinfo - version: 2.1",
  "# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab>" +
    " : tunables <limit> <batchcount> <sharedfactor>" +
    " : slabdata <active_slabs> <num_slabs> <sharedavail>",
];

/** Longer lines than this are refused whole. */
const MAX_SLABINFO_WRITE = 128;

/** The file's text. To be called as a CPU; may sleep. */
export function readSlabinfo(system: System): string {
  const rows = system.common.withCaches((s) => row(system, s));
  return [...HEADER, ...rows, ""].join("\n");
}

function row(system: System, s: number): string {
  const info = system.allocator.slabInfo(s);
  const column = (value: number, width: number) => String(value).padStart(width);
  const size = system.memory.read32(s + KmemCacheBase.size);
  return (
    `${system.common.nameOf(s).padEnd(17)} ${column(info.activeObjs, 6)} ${column(info.numObjs, 6)}` +
    ` ${column(size, 6)} ${column(info.objectsPerSlab, 4)} ${column(1 << info.cacheOrder, 4)}` +
    ` : tunables ${column(info.limit, 4)} ${column(info.batchcount, 4)} ${column(info.shared, 4)}` +
    ` : slabdata ${column(info.activeSlabs, 6)} ${column(info.numSlabs, 6)} ${column(info.sharedAvail, 6)}`
  );
}

/**
 * slabinfo_write: `name limit batchcount shared` sets the queues of a SLAB cache; sizes that make no
 * sense change nothing. 0, -EINVAL for another text or an unknown cache, -EIO where caches have no
 * queues. To be called as a CPU; may sleep.
 */
export function writeSlabinfo(system: System, text: string): number {
  const [name, ...numbers] = text.trim().split(/\s+/);
  const words = numbers.map((word) => (/^-?\d+$/.test(word) ? Number(word) | 0 : undefined));
  const [limit, batchcount, shared] = words;
  if (text.length > MAX_SLABINFO_WRITE || words.length !== 3) return -EINVAL;
  if (limit === undefined || batchcount === undefined || shared === undefined) return -EINVAL;
  const found = system.common.withCaches((s) => (system.common.nameOf(s) === name ? s : 0));
  const s = found.find((cache) => cache !== 0);
  return s === undefined ? -EINVAL : system.allocator.tune(s, limit, batchcount, shared);
}
