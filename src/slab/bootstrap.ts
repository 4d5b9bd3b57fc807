// SPDX-License-Identifier: GPL-2.0-only
/**
 * SLAB out of nothing. The cache of caches is static and stays so. It and the kmalloc cache that
 * holds node structs begin with static node structs; as soon as both work, these are copied to where
 * they belong. All caches of that time have arrays of one entry until the end of boot.
 */

import { SLAB_HWCACHE_ALIGN } from "../caches/flags.ts";
import { since } from "../caches/kernel-version.ts";
import { kmallocCaches } from "../caches/kmalloc-sizes.ts";
import { KMEM_CACHE_NODE_OFFSET, SLAB_6_1_NODE_OFFSET, SLAB_STATE } from "../caches/kmem-cache.ts";
import { initListHead, listSplice } from "../machine/list.ts";
import { MAX_NUMNODES } from "../machine/machine.ts";
import type { Address, Memory } from "../machine/memory.ts";
import { initSpinLock } from "../machine/spinlock.ts";
import { sizeOf } from "../machine/struct.ts";
import { GFP_NOWAIT } from "../pages/gfp.ts";
import type { NodeLists } from "./node-lists.ts";
import type { NodeSetup } from "./node-setup.ts";
import type { Reaper } from "./reaper.ts";
import type { SlabContext } from "./slab-context.ts";
import { KmemCache, KmemCacheNode, type KmemCachePtr } from "./structs.ts";
import type { Tuning } from "./tuning.ts";

/** The parts of a SLAB that it uses. */
export interface BootstrapParts {
  readonly context: SlabContext;
  readonly lists: NodeLists;
  readonly nodeSetup: NodeSetup;
  readonly tuning: Tuning;
  readonly reaper: Reaper;
}

export class Bootstrap {
  declare protected readonly context: SlabContext;
  declare protected readonly memory: Memory;
  declare protected readonly lists: NodeLists;
  declare protected readonly nodeSetup: NodeSetup;
  declare protected readonly tuning: Tuning;
  declare protected readonly reaper: Reaper;
  declare private readonly kmemCacheBoot: KmemCachePtr;
  /** init_kmem_cache_node: those of the cache of caches, then those of the node structs' cache. */
  declare private readonly staticNodes: Address;

  constructor(parts: BootstrapParts) {
    this.context = parts.context;
    this.memory = parts.context.memory;
    this.lists = parts.lists;
    this.nodeSetup = parts.nodeSetup;
    this.tuning = parts.tuning;
    this.reaper = parts.reaper;
    const { statics } = parts.context.machine;
    this.kmemCacheBoot = statics.allocate(KmemCache, "kmem_cache_boot");
    const words = (2 * MAX_NUMNODES * sizeOf(KmemCacheNode)) / 4;
    this.staticNodes = statics.words(words, "init_kmem_cache_node");
  }

  staticNode(which: number, nid: number): Address {
    return this.staticNodes + (which * MAX_NUMNODES + nid) * sizeOf(KmemCacheNode);
  }

  /** kmem_cache_init */
  kmemCacheInit(): void {
    const { common } = this.context;
    common.kmemCache = this.kmemCacheBoot;
    const has61Layout = since(common.kernel, "6.1");
    const nodeOffset = has61Layout ? SLAB_6_1_NODE_OFFSET : KMEM_CACHE_NODE_OFFSET.slab;
    common.createBootCache(
      this.kmemCacheBoot,
      "kmem_cache",
      nodeOffset + 8 * this.context.nodes,
      SLAB_HWCACHE_ALIGN,
    );
    common.publish(this.kmemCacheBoot);
    common.state = SLAB_STATE.PARTIAL;

    const build = { allocator: "slab", kernel: common.kernel } as const;
    const [first] = kmallocCaches(build);
    if (first === undefined) throw new RangeError("SLAB needs a cache for its node structs");
    const forNodes = common.createKmallocCache(first.name, first.size, first.flags);
    common.setKmallocCache(first.index, forNodes);
    common.state = SLAB_STATE.PARTIAL_NODE;

    for (let nid = 0; nid < this.context.nodes; nid++) {
      this.moveNode(common.kmemCache, nid);
      this.moveNode(forNodes, nid);
    }
    common.createKmallocCaches(1);
  }

  /** init_list: a static node struct moves to memory of its own, with its slabs. */
  private moveNode(s: KmemCachePtr, nid: number): void {
    const { memory } = this;
    const n = this.nodeSetup.allocNode(s, nid, GFP_NOWAIT);
    if (n === 0) throw new RangeError("no memory to boot: kmem_cache_node");
    const old = this.context.nodeOf(s, nid);
    memory.copy(n, old, sizeOf(KmemCacheNode));
    initSpinLock(memory, n + KmemCacheNode.listLock, "list_lock");
    const from = this.lists.heads(old);
    for (const [i, to] of this.lists.heads(n).entries()) {
      initListHead(memory, to);
      listSplice(memory, from[i] as Address, to);
    }
    this.nodeSetup.setNode(s, nid, n);
  }

  /** kmem_cache_init_late: every cache gets the queues it should have; CPUs begin to reap. */
  kmemCacheInitLate(): void {
    const { common, machine } = this.context;
    for (const s of common.caches()) {
      if (this.tuning.enable(s, GFP_NOWAIT) !== 0) {
        throw new RangeError(`no memory to boot: queues of ${common.nameOf(s)}`);
      }
    }
    for (let cpu = 0; cpu < machine.options.cpus; cpu++) this.reaper.start(cpu);
  }
}
