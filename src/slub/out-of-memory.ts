// SPDX-License-Identifier: GPL-2.0-only
/**
 * What is said when an object could not be had (slab_out_of_memory): the request, the cache, and what
 * each node has of it. At most ten times in five seconds over all caches, and not where the caller
 * wants no warning.
 */
import { getOrder } from "../caches/alignment.ts";
import { gfpText } from "../caches/gfp-text.ts";
import { since } from "../caches/kernel-version.ts";
import { Ratelimit } from "../machine/ratelimit.ts";
import { __GFP_NOWARN } from "../pages/gfp.ts";
import { Page } from "../pages/page.ts";
import { inuseOf, objectsOf } from "./counters.ts";
import type { NodePartial } from "./node-partial.ts";
import type { SlubContext } from "./slub-context.ts";
import {
  KmemCache,
  KmemCacheNode,
  type KmemCacheNodePtr,
  type KmemCachePtr,
  ooOrder,
} from "./structs.ts";

export interface OutOfMemoryParts {
  readonly context: SlubContext;
  readonly nodePartial: NodePartial;
}

export class OutOfMemory {
  declare private readonly context: SlubContext;
  declare private readonly nodePartial: NodePartial;
  declare private readonly limit: Ratelimit;

  constructor(parts: OutOfMemoryParts) {
    this.context = parts.context;
    this.nodePartial = parts.nodePartial;
    this.limit = new Ratelimit(parts.context.machine, "slab_out_of_memory");
  }

  /** `nid`: the node that was asked for, -1 for any. */
  report(s: KmemCachePtr, gfp: number, nid: number): void {
    if ((gfp & __GFP_NOWARN) !== 0 || !this.limit.allows()) return;
    const { common, machine, memory } = this.context;
    const print = (line: string): void => machine.console.printk(line);
    const field = (offset: number): number => memory.read32(s + offset);
    const name = common.nameOf(s);
    const [order, least] = [ooOrder(field(KmemCache.oo)), ooOrder(field(KmemCache.min))];
    const size = field(KmemCache.objectSize);
    print(
      `SLUB: Unable to allocate memory on ${this.cpuText()}node ${nid}${gfpText(common.kernel, gfp)}`,
    );
    print(
      `  cache: ${name}, object size: ${size}, buffer size: ${field(KmemCache.size)}, default order: ${order}, min order: ${least}`,
    );
    if (least > getOrder(size)) {
      const option = since(common.kernel, "6.7") ? "slab_debug" : "slub_debug";
      print(`  ${name} debugging increased min order, use ${option}=O to disable.`);
    }
    for (let node = 0; node < machine.options.nodes; node++) {
      const n = this.context.nodeOf(s, node);
      if (n !== 0) print(`  node ${node}: ${this.countsOf(n)}`);
    }
  }

  /** Since 6.12 the CPU is named, too. */
  private cpuText(): string {
    const { common, machine, memory } = this.context;
    if (!since(common.kernel, "6.12")) return "";
    const cpu = memory.smpProcessorId();
    return `CPU ${cpu} (of node ${machine.topology.cpuToNode(cpu)}) on `;
  }

  /** Free objects of slabs that CPUs own are not among the free ones. */
  private countsOf(n: KmemCacheNodePtr): string {
    const { memory } = this.context;
    const flags = this.nodePartial.lockIrqsave(n);
    const free = this.nodePartial.partialSlabs(n).reduce((sum, page) => {
      const counters = memory.readOnce(page + Page.counters);
      return sum + objectsOf(counters) - inuseOf(counters);
    }, 0);
    this.nodePartial.unlockIrqrestore(n, flags);
    const slabs = memory.loadAcquire(n + KmemCacheNode.nrSlabs);
    const objects = memory.loadAcquire(n + KmemCacheNode.totalObjects);
    return `slabs: ${slabs}, objs: ${objects}, free: ${free}`;
  }
}
