// SPDX-License-Identifier: GPL-2.0-only
/** The walk over one list of slabs, of either allocator: the links, and whose slabs are on it. */

import { hex } from "../machine/hex.ts";
import type { Address, Memory } from "../machine/memory.ts";
import { Page, type PagePtr } from "../pages/page.ts";
import type { Pages } from "../pages/pages.ts";
import type { AuditFindings } from "./audit-findings.ts";

/** A list of a node, and where its findings go. */
export interface SlabList {
  readonly memory: Memory;
  readonly pages: Pages;
  readonly findings: AuditFindings;
  /** Of the list, for a message: `cache: partial list of node 0`. */
  readonly name: string;
  readonly head: Address;
  readonly nid: number;
}

/**
 * Length of a list; one that is torn, runs in circles or has slabs of another node is a finding.
 * `found` is told of each slab, and ends the walk by false where it is none of the cache.
 */
export function walkSlabList(list: SlabList, found: (page: PagePtr) => boolean): number {
  const { memory, pages, findings, name, head, nid } = list;
  const seen = new Set<Address>();
  let before = head;
  let at = memory.read32(head);
  for (; at !== head; before = at, at = memory.read32(at)) {
    const page = at - Page.lru;
    if (seen.has(at)) {
      findings.add("list-corruption", `${name} runs in circles at ${hex(page)}`, [page]);
      return seen.size;
    }
    seen.add(at);
    if (!found(page)) return seen.size;
    if (memory.read32(at + 4) !== before) {
      findings.add("list-corruption", `${name} is torn before ${hex(page)}`, [page]);
    }
    if (pages.pageToNid(page) !== nid) {
      findings.add("wrong-slab", `${name} has ${hex(page)} of another node`, [page]);
    }
  }
  return seen.size;
}
