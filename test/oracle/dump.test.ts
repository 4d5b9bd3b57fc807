/**
 * Whole systems after boot: every attribute of every cache that follows from its size, alignment
 * and flags. Bytes in use, counts of slabs and the like do not, and are left out.
 */
import { describe, expect, test } from "vitest";
import { DEFAULT_BOOT_PARAMETERS } from "../../src/caches/boot-parameters.ts";
import {
  SLAB_ACCOUNT,
  SLAB_CACHE_DMA,
  SLAB_CONSISTENCY_CHECKS,
  SLAB_HWCACHE_ALIGN,
  SLAB_POISON,
  SLAB_RECLAIM_ACCOUNT,
  SLAB_RED_ZONE,
  SLAB_STORE_USER,
  SLAB_TRACE,
  SLAB_TYPESAFE_BY_RCU,
} from "../../src/caches/flags.ts";
import { kmallocCaches } from "../../src/caches/kmalloc-sizes.ts";
import { type GeometryRequest, geometry } from "../../src/kernel/geometry.ts";
import { type SlabGeometry, slabGeometry } from "../../src/slab/geometry.ts";
import { collection, kernelOf, machineOf, oracleRuns, paramsOf, readOracle } from "./files.ts";

type Attributes = Record<string, number | string>;
type SlabinfoRow = [name: string, active: number, total: number, ...shape: number[]];

interface DumpRecord {
  slab_cmdline: string[];
  cpus: string;
  slabinfo: SlabinfoRow[];
  caches?: Record<string, Attributes>;
  alias_of?: Record<string, string>;
}

const ATTRIBUTE_FLAGS: Record<string, number> = {
  hwcache_align: SLAB_HWCACHE_ALIGN,
  reclaim_account: SLAB_RECLAIM_ACCOUNT,
  destroy_by_rcu: SLAB_TYPESAFE_BY_RCU,
  cache_dma: SLAB_CACHE_DMA,
  sanity_checks: SLAB_CONSISTENCY_CHECKS,
  trace: SLAB_TRACE,
  red_zone: SLAB_RED_ZONE,
  poison: SLAB_POISON,
  store_user: SLAB_STORE_USER,
};

function ask(run: string, record: DumpRecord, request: GeometryRequest): Record<string, number> {
  const machine = { ...kernelOf(run), ...machineOf(record.cpus) };
  const params = paramsOf(record.slab_cmdline);
  return geometry({ ...machine, params, ...request }) as unknown as Record<string, number>;
}

/** Members of struct kmem_cache_args with which 7.1 creates caches of its own. */
const ARGS: Record<string, GeometryRequest["args"]> = {
  vm_area_struct: { freeptr_offset: 0 },
  maple_node: { sheaf_capacity: 32 },
};
/** The caches of SLUB's own structs have no sheaves in 7.1, since sheaves would need them. */
const BOOT_CACHES = new Set(["kmem_cache", "kmem_cache_node"]);

/** What sysfs shows of a cache, computed from its object size, alignment and flags. */
function shown(run: string, record: DumpRecord, name: string, given: Attributes): Attributes {
  let flags = name.startsWith(":A") ? SLAB_ACCOUNT : 0;
  for (const [attribute, bit] of Object.entries(ATTRIBUTE_FLAGS)) {
    if (given[attribute] === 1) flags |= bit;
  }
  const answer = ask(run, record, {
    name,
    size: Number(given.object_size),
    align: Number(given.align),
    flags,
    ctor: given.ctor !== undefined,
    args: kernelOf(run).kernel === "7.1" ? ARGS[name] : undefined,
  });
  const sheaf_capacity = BOOT_CACHES.has(name) ? 0 : Number(answer.sheaf_capacity);
  const ofCpu =
    given.sheaf_capacity === undefined
      ? { cpu_partial: Number(answer.cpu_partial) }
      : { sheaf_capacity };
  return {
    align: Number(answer.cache_align),
    slab_size: Number(answer.slab_size),
    order: Number(answer.order),
    objs_per_slab: Number(answer.objs),
    min_partial: Number(answer.min_partial),
    ...ofCpu,
  };
}

function differences(run: string, change: (given: Attributes) => Attributes): string[] {
  const record = readOracle<DumpRecord>("dump", run);
  return Object.entries(record.caches ?? {}).flatMap(([name, given]) => {
    const computed = Object.entries(shown(run, record, name, change(given)));
    return computed
      .filter(([attribute, value]) => given[attribute] !== value)
      .map(([attribute, value]) => `${name}/${attribute}: ${value}, not ${given[attribute]}`);
  });
}

describe(`whole systems (${collection} collection)`, () => {
  const runs = oracleRuns("dump");
  const slub = runs.filter((run) => kernelOf(run).allocator === "slub");
  const slab = runs.filter((run) => kernelOf(run).allocator === "slab");

  test("there are dumps of both allocators", () => {
    expect(slub).toHaveLength(6);
    expect(slab).toHaveLength(2);
  });

  test.each(slub)("%s: sysfs attributes of every cache", (run) => {
    expect(differences(run, (given) => given)).toEqual([]);
  });

  test.each(slub)("%s: the comparison sees objects 64 bytes larger", (run) => {
    const larger = (given: Attributes) => ({
      ...given,
      object_size: Number(given.object_size) + 64,
    });
    expect(differences(run, larger)).not.toEqual([]);
  });

  test.each(slab)("%s: /proc/slabinfo of the kmalloc caches", (run) => {
    const record = readOracle<DumpRecord>("dump", run);
    const caches = kmallocCaches(kernelOf(run));
    expect(caches.length).toBeGreaterThan(10);
    const { kernel } = kernelOf(run);
    const { cpus } = machineOf(record.cpus);
    for (const { name, size, flags } of caches) {
      const recorded = record.slabinfo.find((row) => row[0] === name)?.slice(3, 9);
      // The cache of node structs is made before any other could hold an index array for it.
      const request = { size, align: 0, flags, ctor: false, slabEarlyInit: name === "kmalloc-128" };
      const machine = { kernel, cpus, nodeCpus: cpus };
      const s = slabGeometry(machine, DEFAULT_BOOT_PARAMETERS, request) as SlabGeometry;
      const computed = [s.size, s.num, 1 << s.gfporder, s.limit, s.batchcount, s.shared];
      expect([name, computed]).toEqual([name, recorded]);
    }
  });
});
