// SPDX-License-Identifier: GPL-2.0-only
/** A count of a node beside what an audit has found there. */
import type { AuditFindings, Step } from "../../caches/audit-findings.ts";

/** `steps`: by how much slabs on their way may have been taken off already, or are yet to be added. */
export function compareCount(
  { name, findings }: { readonly name: string; readonly findings: AuditFindings },
  what: string,
  counted: number,
  there: number,
  steps: readonly Step[] = [],
): void {
  if (counted === there) return;
  const message = `${name}: ${what} is ${counted}, found ${there}`;
  if (findings.remains?.explains(message, there - counted, steps)) return;
  findings.add("counter-drift", message);
}
