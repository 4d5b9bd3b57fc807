// SPDX-License-Identifier: GPL-2.0-only
/**
 * The entries of a cache's arrays behind the last one in use: an object that was popped is still named
 * there. Linux clears each entry as it is popped, for kmemleak (kmemleak_erase).
 */
import type { Address } from "../../machine/memory.ts";
import type { Slab } from "../slab.ts";
import {
  AlienCache,
  ArrayCache,
  type ArrayCachePtr,
  entryAt,
  KmemCache,
  KmemCacheNode,
  type KmemCachePtr,
} from "../structs.ts";

export function staleWords(slab: Slab, s: KmemCachePtr): Address[] {
  const { memory } = slab.context;
  return arraysOf(slab, s).flatMap((ac) => {
    const avail = memory.readOnce(ac + ArrayCache.avail);
    const unused = Math.max(0, memory.readOnce(ac + ArrayCache.limit) - avail);
    return Array.from({ length: unused }, (_, i) => entryAt(ac, avail + i));
  });
}

function arraysOf(slab: Slab, s: KmemCachePtr): ArrayCachePtr[] {
  const { memory, nodes, machine } = slab.context;
  const own = memory.readOnce(s + KmemCache.cpuSlab);
  const arrays = Array.from({ length: machine.options.cpus }, (_, cpu) =>
    memory.perCpuPtr(own, cpu),
  );
  for (let nid = 0; nid < nodes; nid++) {
    const n = slab.context.nodeOf(s, nid);
    if (n === 0) continue;
    arrays.push(memory.readOnce(n + KmemCacheNode.shared));
    const table = memory.readOnce(n + KmemCacheNode.alien);
    for (let other = 0; table !== 0 && other < nodes; other++) {
      const alien = slab.aliens.at(table, other);
      if (alien !== 0) arrays.push(alien + AlienCache.ac);
    }
  }
  return arrays.filter((ac) => ac !== 0);
}
