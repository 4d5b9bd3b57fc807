// SPDX-License-Identifier: GPL-2.0-only
/**
 * The audit of KFENCE's pool, on a quiet machine: each object is either in use or free, the page of a
 * free one is closed unless a report has opened it, and the list has the free ones, each once.
 */
import {
  KFENCE_OBJECT_ALLOCATED,
  KFENCE_OBJECT_RCU_FREEING,
  KfenceMeta,
  type KfenceMetaPtr,
} from "../caches/kfence/pool.ts";
import type { System } from "../kernel/system.ts";
import { PAGE_SIZE } from "../machine/machine.ts";
import type { Findings } from "./findings.ts";
import type { Ledger } from "./ledger.ts";

export function auditKfence(system: System, findings: Findings, ledger: Ledger | undefined): void {
  const { kfence } = system.common;
  if (kfence === undefined) return;
  const { memory } = system;
  const { pool, counters } = kfence;
  const onList = new Map<KfenceMetaPtr, number>();
  for (const meta of kfence.freeObjects()) onList.set(meta, (onList.get(meta) ?? 0) + 1);
  let inUse = 0;
  for (const meta of pool.metasInOrder()) {
    const name = `kfence-#${pool.indexOf(meta)}`;
    const state = memory.read32(meta + KfenceMeta.state);
    const isInUse = state === KFENCE_OBJECT_ALLOCATED || state === KFENCE_OBJECT_RCU_FREEING;
    const times = onList.get(meta) ?? 0;
    // An object whose cache was destroyed under it is on no list for ever.
    const isZombie = times === 0 && memory.read32(meta + KfenceMeta.cache) === 0;
    if (isInUse) inUse++;
    if (isInUse ? times !== 0 : times !== 1 && !isZombie) {
      const is = isInUse ? "in use" : "free";
      findings.add("list-corruption", `${name} is ${is}, and ${times} times on the list`);
    }
    const held = ledger === undefined ? [] : [...heldIn(pool.pageOf(meta), ledger)];
    const object = memory.read32(meta + KfenceMeta.address);
    const stray = held.find((each) => state !== KFENCE_OBJECT_ALLOCATED || each !== object);
    if (stray !== undefined && !isZombie) {
      findings.add("use-after-free", `${name} is held at 0x${stray.toString(16)}, but free`);
    }
    if (state === KFENCE_OBJECT_ALLOCATED && pool.isProtected(object)) {
      findings.add("bad-access", `${name} is in use, and nobody may access its page`);
    }
  }
  const counted = counters.get("currently allocated") - counters.get("zombie allocations");
  if (counted !== inUse) {
    findings.add("counter-drift", `kfence counts ${counted} objects in use and has ${inUse}`);
  }
}

function heldIn(page: number, ledger: Ledger): Iterable<number> {
  return ledger.liveIn(page, page + PAGE_SIZE);
}
