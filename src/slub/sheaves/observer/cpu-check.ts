// SPDX-License-Identifier: GPL-2.0-only
/**
 * What holds of a CPU's sheaves whenever nothing is under way there: the lock is free, main is there,
 * and no sheaf holds more than it may. Cheap enough for the end of every operation.
 */
import type { Reading } from "../../../caches/drawing.ts";
import { KernelBug } from "../../../machine/kernel-bug.ts";
import type { SlubContext } from "../../slub-context.ts";
import { KmemCache, type KmemCachePtr } from "../../structs.ts";
import { CpuSheaves, Sheaf } from "../structs.ts";

export function checkSheaves(
  { memory }: SlubContext,
  s: KmemCachePtr,
  cpu: number,
  { peek }: Reading,
): void {
  const cpuSheaves = peek(s + KmemCache.cpuSlab);
  if (cpuSheaves === 0) return;
  const pcs = memory.perCpuPtr(cpuSheaves, cpu);
  if (peek(pcs + CpuSheaves.locked) !== 0) {
    throw new KernelBug("deadlock", `the sheaf lock of CPU ${cpu} is held by nobody who runs`);
  }
  if (peek(pcs + CpuSheaves.main) === 0) {
    throw new KernelBug("list-corruption", `CPU ${cpu} has no main sheaf`);
  }
  const capacity = peek(s + KmemCache.sheafCapacity);
  for (const field of [CpuSheaves.main, CpuSheaves.spare, CpuSheaves.rcuFree]) {
    const sheaf = peek(pcs + field);
    const size = sheaf === 0 ? 0 : peek(sheaf + Sheaf.size);
    if (size >= 0 && size <= capacity) continue;
    throw new KernelBug(
      "counter-drift",
      `a sheaf of CPU ${cpu} holds ${size} of ${capacity} objects`,
    );
  }
}
