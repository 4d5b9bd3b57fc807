// SPDX-License-Identifier: GPL-2.0-only
/** What watchers see of SLUB with cpu slabs and sheaves. */
import type { AuditFindings } from "../../../caches/audit-findings.ts";
import type { Audit } from "../../../caches/observer.ts";
import type { TraceView } from "../../../caches/trace-view.ts";
import type { Address } from "../../../machine/memory.ts";
import type { PagePtr } from "../../../pages/page.ts";
import { SlubObserver } from "../../observer/slub-observer.ts";
import { auditAbsentSheaves } from "../../sheaves/observer/audit.ts";
import { barnLocks } from "../../sheaves/observer/locks.ts";
import { staleWords } from "../../sheaves/observer/stale-words.ts";
import type { KmemCachePtr } from "../../structs.ts";
import type { OptInSlub } from "../slub.ts";
import { OPT_IN_STAT_NAMES } from "../statistics.ts";
import { optInAttributes } from "./attributes.ts";
import { auditOptInCache } from "./audit.ts";
import { OptInTraceView } from "./trace-view.ts";

export class OptInObserver extends SlubObserver {
  readonly ownObjectsMove = true;
  /** What a barn gives back lands on cpu partial lists, after these were flushed. */
  readonly shrinksInTwo = true;
  declare protected readonly slub: OptInSlub;

  constructor(slub: OptInSlub) {
    super(slub, OPT_IN_STAT_NAMES, optInAttributes(slub));
  }

  override locksOf(s: KmemCachePtr): { name: string; at: Address }[] {
    return [...super.locksOf(s), ...barnLocks(this.slub.optIn, s)];
  }

  staleWords(s: KmemCachePtr): Address[] {
    return staleWords(this.slub.optIn, s);
  }

  override traceView(): TraceView {
    return new OptInTraceView(this.slub, this.attributes);
  }

  override auditCache(s: KmemCachePtr, slabs: readonly PagePtr[], audit: Audit): void {
    auditOptInCache(this.slub, s, slabs, audit);
  }

  override auditAbsentCpu(s: KmemCachePtr, cpu: number, findings: AuditFindings): void {
    super.auditAbsentCpu(s, cpu, findings);
    if (this.slub.optIn.sheafFront.has(s)) {
      auditAbsentSheaves(this.slub.optIn, s, cpu, findings);
    }
  }
}
