// SPDX-License-Identifier: GPL-2.0-only
/** The spinlocks of a SLAB cache: a list_lock a node, and one for each alien cache. */
import type { Address } from "../../machine/memory.ts";
import type { SlabContext } from "../slab-context.ts";
import { AlienCache, KmemCacheNode, type KmemCachePtr } from "../structs.ts";

export function locksOf(context: SlabContext, s: KmemCachePtr): { name: string; at: Address }[] {
  const { memory, nodes } = context;
  const locks: { name: string; at: Address }[] = [];
  for (let nid = 0; nid < nodes; nid++) {
    const n = context.nodeOf(s, nid);
    if (n === 0) continue;
    locks.push({ name: `list_lock of node ${nid}`, at: n + KmemCacheNode.listLock });
    const table = memory.readOnce(n + KmemCacheNode.alien);
    for (let other = 0; table !== 0 && other < nodes; other++) {
      const alien = memory.readOnce(table + (other << 2));
      if (alien === 0) continue;
      const name = `alien lock of node ${nid} for node ${other}`;
      locks.push({ name, at: alien + AlienCache.lock });
    }
  }
  return locks;
}
