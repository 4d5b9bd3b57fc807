// SPDX-License-Identifier: GPL-2.0-only
/**
 * The life of a cache: created, shrunk, shut down, released. All under slab_mutex; the cache has
 * no user before `create` returns and after `shutdown` began.
 *
 * How a new cache gets its queues depends on how far SLAB has come up: the first ones get arrays of
 * one entry and static node structs, and are enlarged when all is there (bootstrap.ts).
 */
import { E2BIG, ENOMEM } from "../caches/errno.ts";
import { type BuildOption, CFLGS_OFF_SLAB } from "../caches/flags.ts";
import { kmallocIndex } from "../caches/kmalloc-sizes.ts";
import { SLAB_STATE } from "../caches/kmem-cache.ts";
import type { Memory } from "../machine/memory.ts";
import { GFP_KERNEL, GFP_NOWAIT } from "../pages/gfp.ts";
import type { Drain } from "./drain.ts";
import { type SlabGeometry, slabGeometry } from "./geometry.ts";
import type { NodeSetup } from "./node-setup.ts";
import type { SlabContext } from "./slab-context.ts";
import { SlabPages } from "./slab-pages.ts";
import { KmemCache, type KmemCacheNodePtr, type KmemCachePtr } from "./structs.ts";
import type { Tuning } from "./tuning.ts";

const CACHE_CACHE = 0;
const SIZE_NODE = 1;

/** Static node structs: one a node for each of the two caches that everything else needs. */
export type StaticNode = (which: typeof CACHE_CACHE | typeof SIZE_NODE, nid: number) => number;

/** The parts of a SLAB that it uses. */
export interface CacheLifetimeParts {
  readonly context: SlabContext;
  readonly drain: Drain;
  readonly nodeSetup: NodeSetup;
  readonly tuning: Tuning;
}

export class CacheLifetime {
  declare protected readonly context: SlabContext;
  declare protected readonly memory: Memory;
  declare protected readonly drain: Drain;
  declare protected readonly nodeSetup: NodeSetup;
  declare protected readonly tuning: Tuning;
  /** Build options that change a cache's shape. */
  protected readonly config: readonly BuildOption[] = [];
  /** Free objects are zero, so no index array lies in one. */
  protected readonly initOnFree: boolean = false;

  constructor(parts: CacheLifetimeParts) {
    this.context = parts.context;
    this.memory = parts.context.memory;
    this.drain = parts.drain;
    this.nodeSetup = parts.nodeSetup;
    this.tuning = parts.tuning;
  }

  /**
   * __kmem_cache_create: 0, -ENOMEM, or -E2BIG where no slab holds an object of that size; on failure
   * nothing is left behind.
   */
  create(s: KmemCachePtr, flags: number, staticNode: StaticNode): number {
    const geometry = this.geometryOf(s, flags);
    if (geometry === undefined) return -E2BIG;
    this.setGeometry(s, geometry);
    const gfp = this.context.common.isAvailable ? GFP_KERNEL : GFP_NOWAIT;
    const error = this.setUpQueues(s, gfp, staticNode);
    if (error !== 0) this.release(s);
    return error;
  }

  private geometryOf(s: KmemCachePtr, flags: number): SlabGeometry | undefined {
    const { memory } = this;
    const { common, machine } = this.context;
    const nodeCpus = machine.topology.cpusOfNode(0).length;
    return slabGeometry(
      { kernel: common.kernel, cpus: machine.options.cpus, nodeCpus, config: this.config },
      common.parameters,
      {
        size: memory.read32(s + KmemCache.objectSize),
        align: memory.read32(s + KmemCache.align),
        flags,
        ctor: memory.read32(s + KmemCache.ctor) !== 0,
        initOnFree: this.initOnFree,
        holdsIndexes: (num) => this.holdsIndexes(num),
        // Index arrays may lie elsewhere as soon as there are caches to hold them.
        slabEarlyInit: common.state < SLAB_STATE.PARTIAL_NODE,
      },
    );
  }

  private holdsIndexes(num: number): boolean {
    const s = this.context.common.kmallocCache(kmallocIndex("slab", num));
    return s !== 0 && (this.memory.read32(s + KmemCache.flags) & CFLGS_OFF_SLAB) === 0;
  }

  protected setGeometry(s: KmemCachePtr, geometry: SlabGeometry): void {
    const words: readonly (readonly [number, number])[] = [
      [KmemCache.flags, geometry.flags],
      [KmemCache.size, geometry.size],
      [KmemCache.align, geometry.align],
      [KmemCache.num, geometry.num],
      [KmemCache.gfporder, geometry.gfporder],
      [KmemCache.colour, geometry.colour],
      [KmemCache.freelistSize, geometry.freelistSize],
      [KmemCache.objOffset, geometry.objOffset],
      [KmemCache.allocflags, SlabPages.allocflags(geometry.flags)],
    ];
    for (const [field, value] of words) this.memory.write32(s + field, value);
  }

  /** setup_cpu_cache */
  private setUpQueues(s: KmemCachePtr, gfp: number, staticNode: StaticNode): number {
    const { memory } = this;
    const { state } = this.context.common;
    if (state >= SLAB_STATE.FULL) return this.tuning.enable(s, gfp);
    const arrays = this.tuning.allocArrays(1, 1);
    if (arrays === 0) return -ENOMEM;
    memory.write32(s + KmemCache.cpuSlab, arrays);
    memory.write32(s + KmemCache.batchcount, 1);
    memory.write32(s + KmemCache.limit, 1);
    for (let nid = 0; nid < this.context.nodes; nid++) {
      let n: KmemCacheNodePtr;
      if (state >= SLAB_STATE.PARTIAL_NODE) {
        n = this.nodeSetup.allocNode(s, nid, gfp);
        if (n === 0) throw new RangeError("no memory to boot: kmem_cache_node");
      } else {
        // set_up_node
        n = staticNode(state === SLAB_STATE.DOWN ? CACHE_CACHE : SIZE_NODE, nid);
        this.nodeSetup.initStruct(s, n);
      }
      this.nodeSetup.setNode(s, nid, n);
    }
    return 0;
  }

  /** __kmem_cache_shrink: all queues are emptied, free slabs go. Non-zero if slabs remain. */
  shrink(s: KmemCachePtr): number {
    this.drain.drainAll(s);
    let remain = 0;
    for (let nid = 0; nid < this.context.nodes; nid++) {
      const n = this.context.nodeOf(s, nid);
      if (n !== 0 && this.drain.drainNode(s, n)) remain = 1;
    }
    return remain;
  }

  /** __kmem_cache_shutdown: false if objects remain. */
  shutdown(s: KmemCachePtr): boolean {
    return this.shrink(s) === 0;
  }

  /** __kmem_cache_release: frees what create made; the struct itself is the caller's. */
  release(s: KmemCachePtr): void {
    this.tuning.freeArrays(this.memory.readOnce(s + KmemCache.cpuSlab));
    this.nodeSetup.releaseAll(s);
  }
}
