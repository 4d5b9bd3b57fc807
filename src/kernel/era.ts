// SPDX-License-Identifier: GPL-2.0-only
/** The change that makes an allocator of another time: see ERAS. */
import { type Era, type KernelVersion, since } from "../caches/kernel-version.ts";
import { seedEra } from "../slub/cpu-slab/era-seed.ts";
import { withLostLocals } from "../slub/sheaves/lost-locals.ts";
import { type Change, inTurn, onSheafParts, onSlub } from "./classes.ts";

export function eraChange(era: Era, kernel: KernelVersion): Change {
  const isFaithful = era === "faithful";
  const lacksTidStep = era === "seed" || (isFaithful && !since(kernel, "5.18"));
  return inTurn(
    ...(lacksTidStep ? [onSlub(seedEra)] : []),
    ...(isFaithful ? [onSheafParts(withLostLocals)] : []),
  );
}
