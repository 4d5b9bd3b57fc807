// SPDX-License-Identifier: GPL-2.0-only
/** The locks of a cache's barns. */
import type { Address } from "../../../machine/memory.ts";
import type { KmemCachePtr } from "../../structs.ts";
import { Barn } from "../structs.ts";
import type { Sheaved } from "./sheaved.ts";

export function barnLocks(slub: Sheaved, s: KmemCachePtr): { name: string; at: Address }[] {
  return Array.from({ length: slub.context.machine.options.nodes }, (_, nid) => ({
    name: `lock of the barn of node ${nid}`,
    barn: slub.barns.of(s, nid),
  }))
    .filter(({ barn }) => barn !== 0)
    .map(({ name, barn }) => ({ name, at: barn + Barn.lock }));
}
