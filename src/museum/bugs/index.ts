// SPDX-License-Identifier: GPL-2.0-only
/** The museum, in the order of its catalogue: bugs that Linux had (R), then made-up ones (S). */
import type { Exhibit } from "../exhibit.ts";
import { R01 } from "./r01-missing-tid-bump.ts";
import { R02 } from "./r02-bulk-no-bump.ts";
import { R03 } from "./r03-double-read.ts";
import { R04 } from "./r04-no-recheck.ts";
import { R05 } from "./r05-null-page.ts";
import { R06b } from "./r06b-wrong-cpu-tid.ts";
import { R07 } from "./r07-no-tid.ts";
import { R08 } from "./r08-split-push.ts";
import { R09 } from "./r09-restore-by-store.ts";
import { R10 } from "./r10-overwritten-cpu-slab.ts";
import { R11 } from "./r11-preemptible-drain.ts";
import { R12 } from "./r12-goes-on-after-race.ts";
import { R14 } from "./r14-page-read-twice.ts";
import { R17 } from "./r17-truncated-compare.ts";
import { R18 } from "./r18-slab-lock-irqs-on.ts";
import { R20 } from "./r20-discard-under-lock.ts";
import { R21 } from "./r21-flush-misses-partial.ts";
import { R21b } from "./r21b-flush-needs-both.ts";
import { R22 } from "./r22-marked-outside-lock.ts";
import { R25 } from "./r25-failure-over-vector.ts";
import { R26 } from "./r26-late-stride.ts";
import { R27 } from "./r27-lost-locals.ts";
import { R29 } from "./r29-destroy-before-avail.ts";
import { R30 } from "./r30-shared-outside-lock.ts";
import { R31 } from "./r31-no-grace-period.ts";
import { R32 } from "./r32-reaper-wanders.ts";
import { R33 } from "./r33-alien-without-shared.ts";
import { R34 } from "./r34-count-before-lock.ts";
import { R35 } from "./r35-release-under-lock.ts";
import { R36 } from "./r36-no-rcu-barrier.ts";
import { R37 } from "./r37-work-outlives-root.ts";
import { R38 } from "./r38-directory-under-mutex.ts";
import { R39 } from "./r39-boot-without-flush.ts";
import { R40 } from "./r40-dead-cache.ts";
import { R40b } from "./r40b-off-by-one.ts";
import { R43 } from "./r43-typesafe-lookup.ts";
import { R44 } from "./r44-order-changes.ts";
import { R46 } from "./r46-vector-in-own-slab.ts";
import { R48 } from "./r48-array-freed-at-once.ts";
import { R49 } from "./r49-list-lock-interrupted.ts";
import { R51 } from "./r51-fast-path-hole.ts";
import { R54 } from "./r54-free-does-not-wait.ts";
import { R55 } from "./r55-sheaf-after-quarantine.ts";
import { R57 } from "./r57-discard-at-destroy.ts";
import { R59 } from "./r59-no-cookie.ts";
import { R60 } from "./r60-batch-in-hand.ts";
import { R61 } from "./r61-stale-text.ts";
import { R62 } from "./r62-new-slab-in-array.ts";
import { S02 } from "./s02-tid-wraps.ts";
import { S03 } from "./s03-tid-last.ts";
import { S09 } from "./s09-unfreeze-before-lock.ts";
import { S11 } from "./s11-no-compare.ts";
import { S12 } from "./s12-publish-before-link.ts";
import { S15 } from "./s15-plain-push.ts";
import { S16 } from "./s16-discard-listed.ts";
import { S17 } from "./s17-dead-cpu-keeps.ts";
import { S18 } from "./s18-flush-from-afar.ts";
import { S19 } from "./s19-late-avail.ts";
import { S20 } from "./s20-stale-array.ts";
import { S21 } from "./s21-detached-after-unlock.ts";
import { S22 } from "./s22-no-second-look.ts";
import { S23 } from "./s23-barn-counts-late.ts";
import { S24 } from "./s24-barrier-gives-up.ts";
import { S25 } from "./s25-mark-before-lock.ts";
import { S26 } from "./s26-inuse-kept.ts";
import { S27 } from "./s27-lost-spare.ts";
import { S28 } from "./s28-link-in-object.ts";
import { S29 } from "./s29-surplus-dropped.ts";
import { S30 } from "./s30-not-listed-again.ts";
import { S31 } from "./s31-reserves-for-all.ts";
import { S32 } from "./s32-mark-not-set.ts";
import { S33 } from "./s33-mark-handed-out.ts";
import { S34 } from "./s34-marked-entry-lost.ts";
import { S35 } from "./s35-reserve-in-array.ts";
import { S36 } from "./s36-reserve-in-refill.ts";
import { W01 } from "./w01-limit-not-yet-seen.ts";
import { W02 } from "./w02-count-without-release.ts";

export const EXHIBITS: readonly Exhibit[] = [
  R01,
  R02,
  R03,
  R04,
  R05,
  R06b,
  R07,
  R08,
  R09,
  R10,
  R11,
  R12,
  R14,
  R17,
  R18,
  R20,
  R21,
  R21b,
  R22,
  R25,
  R26,
  R27,
  R29,
  R30,
  R31,
  R32,
  R33,
  R34,
  R35,
  R36,
  R37,
  R38,
  R39,
  R40,
  R40b,
  R43,
  R44,
  R46,
  R48,
  R49,
  R51,
  R54,
  R55,
  R57,
  R59,
  R60,
  R61,
  R62,
  S02,
  S03,
  S09,
  S11,
  S12,
  S15,
  S16,
  S17,
  S18,
  S19,
  S20,
  S21,
  S22,
  S23,
  S24,
  S25,
  S26,
  S27,
  S28,
  S29,
  S30,
  S31,
  S32,
  S33,
  S34,
  S35,
  S36,
  W01,
  W02,
];

/** The exhibit with that id or alias. */
export function exhibit(id: string): Exhibit | undefined {
  return EXHIBITS.find((one) => one.id === id || one.alias === id);
}
