// SPDX-License-Identifier: GPL-2.0-only
/** Address checking in a laboratory: KASAN with a quarantine for a few objects, KFENCE with a small pool. */
import { Quarantine, type QuarantineLimits } from "../caches/kasan/quarantine.ts";
import { withKfenceObjects } from "../caches/kfence/with-kfence.ts";
import { type Change, inTurn, onAllocator } from "../kernel/classes.ts";
import { withKasan } from "../kernel/kasan-classes.ts";
import { withKasanCalls } from "../kernel/kasan-system.ts";
import { withKfenceCalls } from "../kernel/kfence-system.ts";
import type { System } from "../kernel/system.ts";
import { shadowBytes } from "../machine/kasan-shadow.ts";

export interface CheckerOptions {
  /** KASAN: objects are checked, and wait in a quarantine when they are freed. */
  readonly kasan?: boolean;
  /** KFENCE: every so many allocations one object gets a page of its own. */
  readonly kfence?: number;
}

/** A few are the allocator's own. */
const POOL_OBJECTS = 15;

/** One object waits on its CPU; the next allocation takes back what waits elsewhere. */
class SmallQuarantine extends Quarantine {
  protected override limitsOf(): QuarantineLimits {
    return { batches: 4, bytes: 0, ofCpu: 2048 };
  }
}

export function withCheckers({ kasan = false, kfence = 0 }: CheckerOptions): Change {
  const settings = { sampleInterval: kfence, numObjects: POOL_OBJECTS, fault: "panic" } as const;
  return inTurn(
    ...(kfence === 0 ? [] : [onAllocator(withKfenceObjects(settings))]),
    ...(kasan ? [withKasan(SmallQuarantine)] : []),
  );
}

export function checkedSystem(
  Base: typeof System,
  { kasan = false, kfence = 0 }: CheckerOptions,
): typeof System {
  const Checked = kasan ? withKasanCalls(Base) : Base;
  return kfence === 0 ? Checked : withKfenceCalls(Checked);
}

/** Bytes behind a machine of so much memory. */
export function checkerShadow({ kasan = false }: CheckerOptions, memory: number): number {
  return kasan ? shadowBytes(memory) : 0;
}
