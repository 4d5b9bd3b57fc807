// SPDX-License-Identifier: GPL-2.0-only
/** Barns of 6.18 and 6.19: only nodes with memory have one, and a CPU without uses the nearest (numa_mem_id). */
import { Barns } from "../sheaves/barn.ts";
import type { BarnPtr } from "../sheaves/structs.ts";
import type { KmemCachePtr } from "../structs.ts";

export class BarnsOfMemory extends Barns {
  override here(s: KmemCachePtr): BarnPtr {
    const { machine, memory, pages } = this.context;
    const own = machine.topology.cpuToNode(memory.smpProcessorId());
    return this.of(s, pages.memoryNode(own));
  }
}
