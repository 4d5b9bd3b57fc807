// SPDX-License-Identifier: GPL-2.0-only
/**
 * The sheaves of one cache, counted: each lies in one place, is an object that somebody has allocated,
 * and belongs to the cache; and there are as many as were made and not freed.
 */
import type { AuditFindings, ObjectHolders } from "../../../caches/audit-findings.ts";
import { hex } from "../../../machine/hex.ts";
import { Page, PG_SLAB } from "../../../pages/page.ts";
import { KmemCache, type KmemCachePtr } from "../../structs.ts";
import { SHEAF_ALLOC, SHEAF_FREE } from "../statistics.ts";
import { Sheaf, type SheafPtr } from "../structs.ts";
import type { HeldSheaves } from "./held-sheaves.ts";
import type { Sheaved } from "./sheaved.ts";

export class SheafCensus {
  private readonly slub: Sheaved;
  private readonly s: KmemCachePtr;
  private readonly findings: AuditFindings;
  private readonly holders: ObjectHolders | undefined;
  private readonly places = new Map<SheafPtr, string>();
  /** Objects in the sheaves that were found. */
  objects = 0;

  constructor(
    slub: Sheaved,
    s: KmemCachePtr,
    findings: AuditFindings,
    holders: ObjectHolders | undefined,
  ) {
    this.slub = slub;
    this.s = s;
    this.findings = findings;
    this.holders = holders;
  }

  private get name(): string {
    return this.slub.context.common.nameOf(this.s);
  }

  /** A sheaf was found there. */
  found(sheaf: SheafPtr, place: string): void {
    const { memory, pages } = this.slub.context;
    const before = this.places.get(sheaf);
    const what = `${this.name}: sheaf ${hex(sheaf)} ${place}`;
    if (before !== undefined) {
      this.findings.add("list-corruption", `${what} is also ${before}`, [sheaf]);
    }
    this.places.set(sheaf, place);
    this.objects += this.slub.sheaves.size(sheaf);
    const owner = memory.read32(sheaf + Sheaf.cache);
    if (owner !== this.s)
      this.findings.add("wrong-slab", `${what} is of cache ${hex(owner)}`, [sheaf]);
    const isInSlab =
      pages.virtAddrValid(sheaf) &&
      (memory.read32(pages.virtToHeadPage(sheaf) + Page.flags) & PG_SLAB) !== 0;
    if (isInSlab && this.holders?.isLive(sheaf) === false) {
      const story = this.holders.story(sheaf);
      this.findings.add("use-after-free", `${what} is free memory; ${story}`, [sheaf]);
    }
  }

  /** All places have been looked at, but for callers' hands. */
  check(held: HeldSheaves): void {
    const { slub, s, places } = this;
    if (slub.sheaves.capacityOf(s) === 0) return;
    const made = this.count(SHEAF_ALLOC) - this.count(SHEAF_FREE);
    if (places.size === made || places.size + held.regular === made) return;
    const what = `${this.name}: ${made} sheaves were made and not freed, ${places.size} are there`;
    const missing = made - places.size - held.regular;
    if (this.findings.remains?.claimSheaves(s, missing, what)) return;
    this.findings.add("counter-drift", what);
  }

  private count(item: number): number {
    const { slub, s } = this;
    const { memory } = slub.context;
    let sum = 0;
    for (let cpu = 0; cpu < slub.context.machine.options.cpus; cpu++) {
      const words = memory.perCpuPtr(memory.read32(s + KmemCache.cpuStats), cpu);
      sum += memory.read32(words + (slub.context.wordOf(item) << 2));
    }
    // The counters wrap; what is between them does not.
    return sum | 0;
  }
}
