// SPDX-License-Identifier: GPL-2.0-only
/**
 * Whether an address lies in a page that nobody has: its block is on a list of the page allocator, which
 * itself never touches what is in a free page.
 */
import type { Reading } from "../caches/drawing.ts";
import type { Address } from "../machine/memory.ts";
import { Page, PG_ALLOCATED, PG_BUDDY, PG_PCP } from "../pages/page.ts";
import type { Pages } from "../pages/pages.ts";
import { MAX_ORDER } from "../pages/zone.ts";

export function isFree(pages: Pages, peek: Reading["peek"], address: Address): boolean {
  if (!pages.virtAddrValid(address)) return false;
  const page = pages.virtToPage(address);
  const flags = peek(peek(page + Page.head) + Page.flags);
  if ((flags & PG_ALLOCATED) !== 0) return false;
  return (flags & PG_PCP) !== 0 || isInFreeBlock(pages, peek, pages.array.number(page));
}

/** Only the first page of a free block says that it is one, and each block is aligned to its size. */
function isInFreeBlock({ array }: Pages, peek: Reading["peek"], pfn: number): boolean {
  for (let order = 0; order < MAX_ORDER; order++) {
    const first = array.numbered((pfn >> order) << order);
    if ((peek(first + Page.flags) & PG_BUDDY) !== 0) return peek(first + Page.order) >= order;
  }
  return false;
}
