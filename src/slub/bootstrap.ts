// SPDX-License-Identifier: GPL-2.0-only
/**
 * SLUB out of nothing. struct kmem_cache and struct kmem_cache_node are objects of caches, which
 * need such structs themselves: the first two caches begin in static memory, the first node structs
 * are cut from slabs by hand, and once both caches work they are copied to where they belong.
 */
import { SLAB_HWCACHE_ALIGN } from "../caches/flags.ts";
import { KMEM_CACHE_NODE_OFFSET, SLAB_STATE } from "../caches/kmem-cache.ts";
import type { Address, Memory } from "../machine/memory.ts";
import { ptr, struct } from "../machine/struct.ts";
import { GFP_NOWAIT } from "../pages/gfp.ts";
import { Page } from "../pages/page.ts";
import { objectsOf, packCounters } from "./counters.ts";
import type { FreePointers } from "./free-pointers.ts";
import type { Front } from "./front.ts";
import { ADD_TO_HEAD, type NodePartial } from "./node-partial.ts";
import type { ObjectDebugging } from "./object-debugging.ts";
import type { SlabPages } from "./slab-pages.ts";
import type { SlubContext } from "./slub-context.ts";
import { KMEM_CACHE_NODE_BYTES, KmemCache, KmemCacheNode, type KmemCachePtr } from "./structs.ts";

const SlubGlobals = struct("slub_globals", { kmemCacheNode: ptr });

export interface BootstrapParts {
  readonly context: SlubContext;
  readonly freePointers: FreePointers;
  readonly nodePartial: NodePartial;
  readonly debugging: ObjectDebugging;
  readonly slabPages: SlabPages;
  readonly front: Front;
}

export class Bootstrap {
  declare protected readonly parts: BootstrapParts;
  declare protected readonly context: SlubContext;
  declare protected readonly memory: Memory;
  declare private readonly globals: Address;
  declare private readonly bootKmemCache: Address;
  declare private readonly bootKmemCacheNode: Address;

  constructor(parts: BootstrapParts) {
    this.parts = parts;
    this.context = parts.context;
    this.memory = parts.context.memory;
    const { statics } = parts.context.machine;
    this.globals = statics.allocate(SlubGlobals, "slub_globals");
    this.bootKmemCache = statics.allocate(KmemCache, "boot_kmem_cache");
    this.bootKmemCacheNode = statics.allocate(KmemCache, "boot_kmem_cache_node");
  }

  /** The cache of node structs. */
  get kmemCacheNode(): KmemCachePtr {
    return this.memory.read32(this.globals + SlubGlobals.kmemCacheNode);
  }

  private set kmemCacheNode(s: KmemCachePtr) {
    this.memory.write32(this.globals + SlubGlobals.kmemCacheNode, s);
  }

  /** Of the caches of SLUB's own structs. */
  protected get bootFlags(): number {
    return SLAB_HWCACHE_ALIGN;
  }

  /** kmem_cache_init */
  kmemCacheInit(): void {
    const { common, machine } = this.context;
    this.kmemCacheNode = this.bootKmemCacheNode;
    common.kmemCache = this.bootKmemCache;
    common.createBootCache(
      this.bootKmemCacheNode,
      "kmem_cache_node",
      KMEM_CACHE_NODE_BYTES,
      this.bootFlags,
    );
    common.state = SLAB_STATE.PARTIAL;
    common.createBootCache(
      this.bootKmemCache,
      "kmem_cache",
      KMEM_CACHE_NODE_OFFSET.slub + 8 * machine.options.nodes,
      this.bootFlags,
    );
    common.kmemCache = this.adopt(this.bootKmemCache);
    this.kmemCacheNode = this.adopt(this.bootKmemCacheNode);
    common.createKmallocCaches(0);
    const { parameters } = common;
    machine.console.printk(
      `SLUB: HWalign=64, Order=${parameters.slubMinOrder}-${parameters.slubMaxOrder}, MinObjects=${parameters.slubMinObjects}, CPUs=${machine.options.cpus}, Nodes=${machine.options.nodes}`,
    );
  }

  /**
   * early_kmem_cache_node_alloc: the first object of a fresh slab becomes the node struct of the
   * cache of node structs. Nothing else runs yet.
   */
  earlyKmemCacheNodeAlloc(nid: number): void {
    const { memory } = this;
    const { freePointers, nodePartial, debugging, slabPages } = this.parts;
    const s = this.kmemCacheNode;
    const page = slabPages.newSlab(s, GFP_NOWAIT, nid);
    if (page === 0) throw new RangeError("no memory to boot: kmem_cache_node");
    const n = memory.read32(page + Page.freelist);
    const objects = objectsOf(memory.read32(page + Page.counters));
    memory.write32(page + Page.freelist, freePointers.get(s, n));
    memory.write32(page + Page.counters, packCounters(1, objects, false));
    memory.write32(s + KmemCache.node + (nid << 2), n);
    if (this.context.isDebug(s)) debugging.freelist.markTaken(s, n);
    nodePartial.init(n);
    slabPages.incSlabsNode(s, page, objects);
    nodePartial.addUnlocked(n, page, ADD_TO_HEAD);
  }

  /** bootstrap(): moves a static cache to memory of the cache of caches. */
  protected adopt(staticCache: KmemCachePtr): KmemCachePtr {
    const { memory } = this;
    const { common } = this.context;
    const s = common.zallocCache();
    memory.copy(s, staticCache, memory.read32(common.kmemCache + KmemCache.objectSize));
    // Its slabs still name the static cache.
    this.flushBootSlab(s);
    for (let nid = 0; nid < this.context.machine.options.nodes; nid++) {
      const n = this.context.nodeOf(s, nid);
      if (n === 0) continue;
      for (const head of [n + KmemCacheNode.partial, n + KmemCacheNode.full]) {
        for (let at = memory.read32(head); at !== head; at = memory.read32(at)) {
          memory.write32(at - Page.lru + Page.slabCache, s);
        }
      }
    }
    common.publish(s);
    return s;
  }

  /** What this CPU keeps of the cache goes to the lists, so that no slab is missed (7d557b3cb693). */
  protected flushBootSlab(s: KmemCachePtr): void {
    const { memory } = this;
    const flags = memory.irqSave();
    this.parts.front.flushThisCpu(s);
    memory.irqRestore(flags);
  }
}
