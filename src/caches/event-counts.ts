// SPDX-License-Identifier: GPL-2.0-only
/**
 * What the event counts of a cache must add up to. Many counts depend on how operations were
 * interleaved; their balances do not: whatever the order, what came in less what went out is there.
 */
import type { Memory } from "../machine/memory.ts";
import type { AuditFindings } from "./audit-findings.ts";

/** Every event was counted: no context has cleared a count, or lost one to another CPU. */
export interface Counted {
  /**
   * Of the objects: `each` was counted, on its way out and on its way back; a chain of them may have
   * been counted as one, and an allocation without an object as one (`roughly`).
   */
  readonly objects: "each" | "roughly";
  /** No slab went by a way that counts none, as shrinking does. */
  readonly slabs: boolean;
}

/** How far a difference of two counts may go up. */
const ANY = Number.POSITIVE_INFINITY;

export class EventCounts {
  private readonly name: string;
  private readonly findings: AuditFindings;
  private readonly memory: Memory;
  /** The first word of each CPU. */
  private readonly words: readonly number[];

  constructor(name: string, findings: AuditFindings, memory: Memory, words: readonly number[]) {
    this.name = name;
    this.findings = findings;
    this.memory = memory;
    this.words = words;
  }

  /** How often the events happened, on all CPUs. */
  of(...items: readonly number[]): number {
    let sum = 0;
    for (const word of this.words) {
      for (const item of items) sum += this.memory.read32(word + (item << 2));
    }
    return sum;
  }

  /** `more` is at least `less`, and at most by `room` more. The counts wrap; their difference does not. */
  compare(what: string, more: number, less: number, room = ANY): void {
    const difference = (more - less) | 0;
    if (difference >= 0 && difference <= room) return;
    this.findings.add("counter-drift", `${this.name}: ${what}: ${more} and ${less}`);
  }

  equal(what: string, one: number, other: number): void {
    this.compare(what, one, other, 0);
  }
}
