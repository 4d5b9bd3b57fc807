// SPDX-License-Identifier: GPL-2.0-only
/** What the sheaves stand on beside cpu slabs: the same machine, with words of their own to count in. */
import { SlubContext } from "../slub-context.ts";
import type { KmemCachePtr } from "../structs.ts";
import { SHEAF_EVENT_WORDS } from "./statistics.ts";

export class OptInContext extends SlubContext {
  override wordOf(item: number): number {
    return SHEAF_EVENT_WORDS[item] as number;
  }

  override stat(s: KmemCachePtr, item: number, n = 1): void {
    const word = this.wordOf(item);
    if (word >= 0) super.stat(s, word, n);
  }
}
