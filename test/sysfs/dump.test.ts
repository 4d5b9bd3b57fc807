/**
 * Whole recorded systems against a booted machine: each cache is created as sysfs describes it, and
 * every attribute that follows from that must be the recorded one.
 */
import { describe, expect, test } from "vitest";
import {
  SLAB_CACHE_DMA,
  SLAB_CONSISTENCY_CHECKS,
  SLAB_HWCACHE_ALIGN,
  SLAB_POISON,
  SLAB_RECLAIM_ACCOUNT,
  SLAB_RED_ZONE,
  SLAB_STORE_USER,
  SLAB_TYPESAFE_BY_RCU,
} from "../../src/caches/flags.ts";
import { boot, systemOf } from "../../src/kernel/kernel.ts";
import { SlabSysfs } from "../../src/sysfs/sysfs.ts";
import { collection, paramsOf, readOracle } from "../oracle/files.ts";

interface DumpRecord {
  slab_cmdline: string[];
  caches: Record<string, Record<string, number | string>>;
}

const FLAGS: Record<string, number> = {
  hwcache_align: SLAB_HWCACHE_ALIGN,
  reclaim_account: SLAB_RECLAIM_ACCOUNT,
  destroy_by_rcu: SLAB_TYPESAFE_BY_RCU,
  cache_dma: SLAB_CACHE_DMA,
  sanity_checks: SLAB_CONSISTENCY_CHECKS,
  red_zone: SLAB_RED_ZONE,
  poison: SLAB_POISON,
  store_user: SLAB_STORE_USER,
};

/** They depend on the load, or on the aliases of the cache. */
const NOT_OURS = new Set(["slabs", "objects", "total_objects", "aliases"]);

function differences(run: string, more = 0): string[] {
  const record = readOracle<DumpRecord>("dump", run);
  const parameters = { ...paramsOf(record.slab_cmdline), slab_nomerge: "" };
  const kernel = boot({ kernel: "4.1", cpus: 1, parameters });
  const sysfs = new SlabSysfs(systemOf(kernel));
  const ctor = kernel.registerConstructor(() => undefined);
  return Object.entries(record.caches).flatMap(([directory, recorded], i) => {
    let flags = 0;
    for (const [file, bit] of Object.entries(FLAGS)) if (recorded[file] === 1) flags |= bit;
    const name = `dump${i}`;
    const options = { align: Number(recorded.align), flags, ctor: recorded.ctor ? ctor : 0 };
    kernel.kmemCacheCreate(name, Number(recorded.object_size) + more, options);
    return Object.entries(recorded)
      .filter(([file]) => !NOT_OURS.has(file) && file !== "ctor")
      .map(([file, value]) => {
        const ours = String(kernel.run(() => sysfs.read(name, file))).trimEnd();
        return ours === String(value) ? "" : `${directory}/${file}: ${ours}, not ${value}`;
      })
      .filter((difference) => difference !== "");
  });
}

describe(`the attributes of every cache of a booted system (${collection} collection)`, () => {
  test.each(["k41slub-default", "k41slub-debug-merge"])("%s", (run) => {
    expect(differences(run)).toEqual([]);
  });

  test("the comparison sees objects 64 bytes larger", () => {
    expect(differences("k41slub-default", 64)).not.toEqual([]);
  });
});
