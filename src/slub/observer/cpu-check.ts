// SPDX-License-Identifier: GPL-2.0-only
/**
 * What holds of a CPU's slab whenever nothing is under way there: c->freelist set implies c->page
 * set, and a cpu slab is frozen. Cheap enough for the end of every operation.
 */
import type { Reading } from "../../caches/drawing.ts";
import { hex } from "../../machine/hex.ts";
import { KernelBug } from "../../machine/kernel-bug.ts";
import { Page } from "../../pages/page.ts";
import { isFrozen } from "../counters.ts";
import type { SlubContext } from "../slub-context.ts";
import { KmemCache, KmemCacheCpu, type KmemCachePtr } from "../structs.ts";

export function checkCpu(
  { memory }: SlubContext,
  s: KmemCachePtr,
  cpu: number,
  { peek, draw }: Reading,
): void {
  const cpuSlab = peek(s + KmemCache.cpuSlab);
  if (cpuSlab === 0) return;
  const c = memory.perCpuPtr(cpuSlab, cpu);
  const page = peek(c + KmemCacheCpu.page);
  const freelist = peek(c + KmemCacheCpu.freelist);
  if (page === 0 && freelist !== 0) {
    throw new KernelBug(
      "lost-object",
      `CPU ${cpu} has free object ${hex(freelist)} but no slab: its next slab will overwrite the pointer`,
    );
  }
  if (page === 0 || isFrozen(peek(page + Page.counters))) return;
  throw new KernelBug(
    "stuck-frozen-slab",
    `CPU ${cpu} allocates from ${draw(page)}, which is not frozen`,
  );
}
