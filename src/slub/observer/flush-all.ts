// SPDX-License-Identifier: GPL-2.0-only
import { since } from "../../caches/kernel-version.ts";
import type { Front } from "../front.ts";
import type { SlubContext } from "../slub-context.ts";
import type { KmemCachePtr } from "../structs.ts";

export interface Flushed {
  readonly context: SlubContext;
  readonly front: Front;
}

/** flush_all where no lock is held. Since Linux 5.15 it is work for the CPUs, which must stay for it. */
export function flushAll({ context: { common }, front }: Flushed, s: KmemCachePtr): void {
  if (since(common.kernel, "5.15")) common.withCpusStaying(() => front.flushAll(s));
  else front.flushAll(s);
}
