// SPDX-License-Identifier: GPL-2.0-only
/**
 * The two fast paths of sheaves: a pop from this CPU's main sheaf, and a push on it. Each holds the
 * sheaf lock for a few accesses; where it is held, or no sheaf fits, the caller goes on to the slabs.
 */
import type { Address } from "../../machine/memory.ts";
import { NUMA_NO_NODE } from "../../machine/topology.ts";
import type { SlubContext } from "../slub-context.ts";
import type { KmemCachePtr } from "../structs.ts";
import type { SheafLock } from "./cpu-sheaves.ts";
import type { MainSheaf } from "./main-sheaf.ts";
import type { OtherNodes } from "./other-nodes.ts";
import type { Sheaves } from "./sheaf.ts";
import { ALLOC_FASTPATH, ALLOC_NODE_MISMATCH, FREE_FASTPATH } from "./statistics.ts";

export interface SheafFastPathsParts {
  readonly context: SlubContext;
  readonly sheaves: Sheaves;
  readonly sheafLock: SheafLock;
  readonly otherNodes: OtherNodes;
  readonly mainSheaf: MainSheaf;
}

export class SheafFastPaths {
  declare protected readonly parts: SheafFastPathsParts;
  declare protected readonly context: SlubContext;
  declare protected readonly sheaves: Sheaves;
  declare protected readonly sheafLock: SheafLock;

  constructor(parts: SheafFastPathsParts) {
    this.parts = parts;
    this.context = parts.context;
    this.sheaves = parts.sheaves;
    this.sheafLock = parts.sheafLock;
  }

  /** alloc_from_pcs: 0 where this CPU's sheaves have nothing that fits. */
  alloc(s: KmemCachePtr, gfp: number, node: number): Address {
    const { sheafLock, sheaves } = this;
    if (node !== NUMA_NO_NODE && node !== this.parts.otherNodes.numaMemId()) {
      return this.mismatch(s);
    }
    let pcs = sheafLock.trylock(s);
    if (pcs === 0) return 0;
    if (sheaves.size(sheafLock.main(pcs)) === 0) {
      pcs = this.parts.mainSheaf.replaceEmpty(s, pcs, gfp);
      if (pcs === 0) return 0;
    }
    const main = sheafLock.main(pcs);
    if (node !== NUMA_NO_NODE && this.nodeOfObject(sheaves.top(main)) !== node) {
      sheafLock.unlock(pcs);
      return this.mismatch(s);
    }
    const object = sheaves.pop(main);
    sheafLock.unlock(pcs);
    this.context.stat(s, ALLOC_FASTPATH);
    return object;
  }

  private mismatch(s: KmemCachePtr): Address {
    this.context.stat(s, ALLOC_NODE_MISMATCH);
    return 0;
  }

  nodeOfObject(object: Address): number {
    const { pages } = this.context;
    return pages.pageToNid(pages.virtToHeadPage(object));
  }

  /** can_free_to_pcs: sheaves hold objects of this CPU's node; where that has no memory, any. */
  accepts(object: Address): boolean {
    const { machine, memory, pages } = this.context;
    const own = machine.topology.cpuToNode(memory.smpProcessorId());
    return this.nodeOfObject(object) === own || !pages.hasMemory(own);
  }

  /** free_to_pcs: false, and the object is still the caller's. */
  free(s: KmemCachePtr, object: Address, maySpin: boolean): boolean {
    const { sheafLock, sheaves } = this;
    let pcs = sheafLock.trylock(s);
    if (pcs === 0) return false;
    if (sheaves.size(sheafLock.main(pcs)) >= sheaves.capacityOf(s)) {
      pcs = this.parts.mainSheaf.replaceFull(s, pcs, maySpin);
      if (pcs === 0) return false;
    }
    sheaves.push(sheafLock.main(pcs), object);
    sheafLock.unlock(pcs);
    this.context.stat(s, FREE_FASTPATH);
    return true;
  }
}
