// SPDX-License-Identifier: GPL-2.0-only
/** The locks of a cache's nodes. */
import type { Address } from "../../machine/memory.ts";
import type { SlubContext } from "../slub-context.ts";
import { KmemCacheNode, type KmemCachePtr } from "../structs.ts";

export function listLocks(context: SlubContext, s: KmemCachePtr): { name: string; at: Address }[] {
  return Array.from({ length: context.machine.options.nodes }, (_, nid) => ({
    name: `list_lock of node ${nid}`,
    n: context.nodeOf(s, nid),
  }))
    .filter(({ n }) => n !== 0)
    .map(({ name, n }) => ({ name, at: n + KmemCacheNode.listLock }));
}
