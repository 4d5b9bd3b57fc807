// SPDX-License-Identifier: GPL-2.0-only
/**
 * What a kernel log says of slab memory when there is none left:
 *
 *     SLUB: Unable to allocate memory on node -1 (gfp=0x20)
 *       cache: NAME, object size: N, buffer size: N, default order: N, min order: N
 *       node 0: slabs: N, objs: N, free: N
 *
 * the same of SLAB (`order: N`, and counts as used/all), and the table of the out-of-memory killer
 * (Unreclaimable slab info: name, used, total). Times and host names in front of lines are skipped.
 */
import { type Dump, type DumpRow, withoutLogPrefix } from "./row.ts";

const UNABLE = /^(SLUB|SLAB): Unable to allocate memory on /;
const SLUB_CACHE =
  /^\s*cache: (.+), object size: (\d+), buffer size: (\d+), default order: (\d+), min order: (\d+)/;
const SLAB_CACHE = /^\s*cache: (.+), object size: (\d+), order: (\d+)/;
const NODE = /^\s*node (\d+): slabs: (\d+)(?:\/(\d+))?, objs: (\d+)(?:\/(\d+))?(?:, free: (\d+))?/;
const TABLE = /^(?:Unreclaimable slab info:|Name\s+Used\s+Total$)/;
const TABLE_ROW = /^(\S.*?)\s+(\d+)KB\s+(\d+)KB$/;
const DEBUG_HINT = /debugging increased min order/;

export function isKernelLog(text: string): boolean {
  const signs = [UNABLE, TABLE, SLUB_CACHE, SLAB_CACHE];
  return text
    .split("\n")
    .map(withoutLogPrefix)
    .some((line) => signs.some((sign) => sign.test(line)));
}

export function readKernelLog(text: string): Dump {
  const reports = new Map<string, DumpRow>();
  const notes: string[] = [];
  let allocator: Dump["allocator"];
  let name: string | undefined;
  let isTable = false;
  for (const logged of text.split("\n")) {
    const line = withoutLogPrefix(logged);
    const [, which] = UNABLE.exec(line) ?? [];
    if (which !== undefined) allocator = which === "SLUB" ? "slub" : "slab";
    const row = slubCache(line) ?? slabCache(line);
    if (row !== undefined) {
      name = row.name;
      reports.set(name, row);
    } else if (name !== undefined && NODE.test(line)) {
      reports.set(name, withNode(reports.get(name) as DumpRow, line));
    } else if (DEBUG_HINT.test(line)) {
      notes.push(`debugging makes the smallest slabs of ${name} larger`);
    }
    isTable = TABLE.test(line) || (isTable && TABLE_ROW.test(line));
    const [, cache, used, total] = (isTable ? TABLE_ROW.exec(line) : null) ?? [];
    if (cache !== undefined) {
      const bytes = { activeBytes: Number(used) * 1024, totalBytes: Number(total) * 1024 };
      reports.set(cache, { name: cache, ...bytes });
    }
  }
  const format = "kernel log";
  return {
    format,
    rows: [...reports.values()],
    unread: [],
    notes,
    ...(allocator && { allocator }),
  };
}

function slubCache(line: string): DumpRow | undefined {
  const found = SLUB_CACHE.exec(line);
  if (found === null) return undefined;
  const [objectSize = 0, size = 0, order = 0, minOrder = 0] = found.slice(2).map(Number);
  const pagesPerSlab = 2 ** order;
  const objectsPerSlab = Math.floor((pagesPerSlab * 4096) / size);
  return { name: String(found[1]), objectSize, size, pagesPerSlab, minOrder, objectsPerSlab };
}

function slabCache(line: string): DumpRow | undefined {
  const found = SLAB_CACHE.exec(line);
  if (found === null) return undefined;
  const [size = 0, order = 0] = found.slice(2).map(Number);
  return { name: String(found[1]), size, pagesPerSlab: 2 ** order };
}

/** The counts of one more node of the report's cache. */
function withNode(row: DumpRow, line: string): DumpRow {
  const [, , slabs, allSlabs, objects, allObjects, free] = NODE.exec(line) ?? [];
  const all = Number(allObjects ?? objects);
  const used = allObjects === undefined ? all - Number(free ?? 0) : Number(objects);
  const total = (row.total ?? 0) + all;
  const slabCount = (row.slabs ?? 0) + Number(allSlabs ?? slabs);
  const perSlab =
    row.objectsPerSlab === undefined && slabCount > 0 && total % slabCount === 0
      ? { objectsPerSlab: total / slabCount }
      : {};
  return { ...row, total, active: (row.active ?? 0) + used, slabs: slabCount, ...perSlab };
}
