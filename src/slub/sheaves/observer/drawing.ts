// SPDX-License-Identifier: GPL-2.0-only
/** A cache with sheaves drawn: as any cache of SLUB, but for what a CPU has of it. */
import { LONGEST_LIST, type Named, type PlaceState } from "../../../caches/drawing.ts";
import type { Address } from "../../../machine/memory.ts";
import { fieldAt, sizeOf } from "../../../machine/struct.ts";
import { SlubDrawing } from "../../observer/drawing.ts";
import { KmemCache, type KmemCachePtr } from "../../structs.ts";
import { CpuSheaves, SHEAF_HEADER_BYTES, Sheaf } from "../structs.ts";

export class SheafDrawing extends SlubDrawing {
  override cpu(s: KmemCachePtr, cpu: number): PlaceState {
    const { peek } = this.reading;
    const pcs = this.memory.perCpuPtr(peek(s + KmemCache.cpuSheaves), cpu);
    return {
      name: `CPU ${cpu}`,
      facts: [`sheaf lock ${peek(pcs + CpuSheaves.locked) === 0 ? "free" : "held"}`],
      lists: [
        { name: "main", entries: this.sheaf(peek(pcs + CpuSheaves.main)) },
        { name: "spare", entries: this.sheaf(peek(pcs + CpuSheaves.spare)) },
        { name: "rcu_free", entries: this.sheaf(peek(pcs + CpuSheaves.rcuFree)) },
      ],
    };
  }

  /** The object that is handed out next comes first. */
  private sheaf(at: Address): string[] {
    const { peek, draw } = this.reading;
    const size = at === 0 ? 0 : Math.min(peek(at + Sheaf.size), LONGEST_LIST);
    return Array.from({ length: size }, (_, i) =>
      draw(peek(at + SHEAF_HEADER_BYTES + (i << 2))),
    ).reverse();
  }

  override cpuWord(_s: KmemCachePtr, into: number): Named | undefined {
    if (into < 0 || into >= sizeOf(CpuSheaves)) return undefined;
    const field = fieldAt(CpuSheaves, into);
    return { name: `pcs->${field}`, field: `slub_percpu_sheaves.${field}` };
  }
}
