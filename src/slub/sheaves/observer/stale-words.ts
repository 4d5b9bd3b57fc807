// SPDX-License-Identifier: GPL-2.0-only
/**
 * The entries of a cache's sheaves behind the last one in use: an object that was popped is still named
 * there. Sheaves that callers hold are in no list, and not looked at.
 */
import type { Address } from "../../../machine/memory.ts";
import type { KmemCachePtr } from "../../structs.ts";
import { Barn, SHEAF_HEADER_BYTES, type SheafPtr } from "../structs.ts";
import type { Sheaved } from "./sheaved.ts";

export function staleWords(slub: Sheaved, s: KmemCachePtr): Address[] {
  const capacity = slub.sheaves.capacityOf(s);
  return capacity === 0
    ? []
    : sheavesOf(slub, s).flatMap((sheaf) => entries(slub, sheaf, capacity));
}

function sheavesOf({ sheafLock, barns, context }: Sheaved, s: KmemCachePtr): SheafPtr[] {
  const { cpus, nodes } = context.machine.options;
  const sheaves: SheafPtr[] = [];
  for (let cpu = 0; cpu < cpus; cpu++) {
    const pcs = sheafLock.ofCpu(s, cpu);
    sheaves.push(sheafLock.main(pcs), sheafLock.spare(pcs), sheafLock.rcuFree(pcs));
  }
  for (let nid = 0; nid < nodes; nid++) {
    const barn = barns.of(s, nid);
    if (barn !== 0) sheaves.push(...barns.list(barn + Barn.full), ...barns.list(barn + Barn.empty));
  }
  return sheaves.filter((sheaf) => sheaf !== 0);
}

function entries({ sheaves }: Sheaved, sheaf: SheafPtr, capacity: number): Address[] {
  const size = sheaves.size(sheaf);
  const first = sheaf + SHEAF_HEADER_BYTES + 4 * size;
  return Array.from({ length: capacity - size }, (_, i) => first + 4 * i);
}
