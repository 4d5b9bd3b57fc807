// SPDX-License-Identifier: GPL-2.0-only
/**
 * The audit: a walk over everything at a quiet moment, which proves the invariants.
 *
 * Quiet means that no operation is under way, no RCU callback is queued (rcu.barrier) and no
 * torture goes on. The walk only reads. Each allocator's caches are walked by its own observer;
 * pages and the ledger are the same for all.
 */
import type { Counted } from "../caches/event-counts.ts";
import type { KmemCachePtr } from "../caches/kmem-cache.ts";
import type { System } from "../kernel/system.ts";
import { hex, hexList } from "../machine/hex.ts";
import { PAGE_SIZE } from "../machine/machine.ts";
import type { Address } from "../machine/memory.ts";
import { Page, type PagePtr } from "../pages/page.ts";
import { auditAbsentCpus } from "./absent-cpus.ts";
import { auditSlabPages, type SlabsByCache, surveyBlocks } from "./blocks.ts";
import { auditDeadLocks } from "./dead-locks.ts";
import { type AuditFinding, Findings } from "./findings.ts";
import { auditGroups } from "./groups.ts";
import { auditKfence } from "./kfence.ts";
import type { Ledger } from "./ledger.ts";
import type { Remains } from "./remains.ts";

export type { AuditFinding };

export interface AuditOptions {
  /** With a ledger: nothing is lost, and nothing is held twice. */
  readonly ledger?: Ledger;
  /** Large kmallocs that callers hold. Given, any other large block is a leaked page. */
  readonly large?: readonly Address[];
  /**
   * Tasks have died: the objects and slabs that they were moving are entered here and are no
   * findings.
   */
  readonly remains?: Remains;
  /** Interrupt handlers have allocated or freed. A few counts are exact only without them. */
  readonly interrupted?: boolean;
  /** Queues keep their limits: they do where every CPU sees a new limit at once. */
  readonly limited?: boolean;
  /** One operation ran after the other. */
  readonly inTurn?: boolean;
  /** The event counts tell of all that happened: what of it they tell. */
  readonly counted?: Counted | undefined;
}

/** All that is wrong with a quiet system; empty if nothing is. */
export function audit(system: System, options: AuditOptions = {}): AuditFinding[] {
  const {
    ledger,
    large,
    remains,
    interrupted = false,
    limited = false,
    inTurn = false,
    counted,
  } = options;
  const findings = new Findings(remains);
  auditDeadLocks(system, findings);
  const orderGiven = (page: PagePtr): number => remains?.orderOfBlockGiven(page) ?? -1;
  for (const problem of system.pages.checkBuddy(orderGiven)) findings.add("leaked-page", problem);
  const slabs = surveyBlocks(system, findings, large);
  for (const [s, pages] of slabs) {
    const told = { findings, holders: ledger, interrupted, limited, inTurn, counted, slabs };
    system.observer.auditCache(s, pages, told);
  }
  auditSlabPages(system, findings);
  auditGroups({ system, findings, slabs, holders: ledger });
  auditAbsentCpus(system, findings);
  auditKfence(system, findings, ledger);
  if (ledger !== undefined) auditStrays(system, slabs, findings, ledger);
  return findings.list;
}

/**
 * A cache that should have no slab left, because all its objects were freed and it was shrunk, or
 * because it was told to keep none (min_partial and cpu_partial 0) before the last of them was.
 */
export function auditEmpty(system: System, s: KmemCachePtr): AuditFinding[] {
  const findings = new Findings();
  const slabs = surveyBlocks(system, new Findings()).get(s) ?? [];
  if (slabs.length > 0) {
    findings.add(
      "leaked-page",
      `${system.common.nameOf(s)} has no objects in use, but keeps ${slabs.length} slabs: ${hexList(slabs)}`,
      slabs,
    );
  }
  return findings.list;
}

/** No task holds an object whose slab has gone back: live objects lie in slabs only. */
function auditStrays(
  system: System,
  slabs: SlabsByCache,
  findings: Findings,
  ledger: Ledger,
): void {
  const { memory, pages, machine } = system;
  const inSlabs = new Set<PagePtr>([...slabs.values()].flat());
  const first = pages.pageAddress(pages.array.numbered(pages.zones[0]?.start ?? 0));
  const strays: Address[] = [];
  for (let page = first; page < machine.layout.end; page += PAGE_SIZE) {
    if (inSlabs.has(memory.read32(pages.virtToPage(page) + Page.head))) continue;
    if (system.common.kfence?.pool.has(page) === true) continue;
    strays.push(...ledger.liveIn(page, page + PAGE_SIZE));
  }
  if (strays.length === 0) return;
  findings.add(
    "use-after-free",
    `${strays.length} objects are held, but their slabs were given back: ${hexList(strays)} (${hex(strays[0] as Address)}: ${ledger.story(strays[0] as Address)})`,
    strays,
  );
}
