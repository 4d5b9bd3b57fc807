// SPDX-License-Identifier: GPL-2.0-only
/** The findings of an audit: each a failure class, a line in the kernel's tone, and its objects. */
import type { AuditFindings } from "../caches/audit-findings.ts";
import type { FailureClass } from "../machine/kernel-bug.ts";
import type { Address } from "../machine/memory.ts";
import type { Remains } from "./remains.ts";

export interface AuditFinding {
  readonly failure: FailureClass;
  readonly message: string;
  /** Addresses of objects or slab pages that the finding is about. */
  readonly objects: readonly Address[];
}

export class Findings implements AuditFindings {
  readonly list: AuditFinding[] = [];
  /**
   * The remains of tasks that have died; where given, they are asked before anything is called
   * lost.
   */
  readonly remains: Remains | undefined;

  constructor(remains?: Remains) {
    this.remains = remains;
  }

  add(failure: FailureClass, message: string, objects: readonly Address[] = []): void {
    this.list.push({ failure, message, objects });
  }
}
