import { describe, expect, test } from "vitest";
import { parseBootParameters } from "../../src/caches/boot-parameters.ts";
import {
  cacheCreateMask,
  type KernelBuild,
  SLAB_ACCOUNT,
  SLAB_CACHE_DMA,
  SLAB_CACHE_DMA32,
  SLAB_CONSISTENCY_CHECKS,
  SLAB_HWCACHE_ALIGN,
  SLAB_NOLEAKTRACE,
  SLAB_POISON,
  SLAB_RECLAIM_ACCOUNT,
} from "../../src/caches/flags.ts";
import { kmallocCaches } from "../../src/caches/kmalloc-sizes.ts";
import {
  createUniqueId,
  findMergeable,
  type MergeCandidate,
  type MergeRules,
  slabUnmergeable,
} from "../../src/caches/merge.ts";
import { geometry } from "../../src/kernel/geometry.ts";
import { collection, kernelOf, oracleRuns, paramsOf, readOracle } from "../oracle/files.ts";

interface Cache extends MergeCandidate {
  name: string;
  refcount: number;
  objectSize: number;
}

type Creation = [name: string, size: number, align: number, flags: number, ctor: 0 | 1];
type Outcome = [cache: string, refcount: number, objectSize: number, size: number, align: number];

interface MergeRecord {
  slab_cmdline: string[];
  alias_of?: Record<string, string>;
  rows: [...Creation, ...Outcome][];
}

interface DumpRecord {
  slabinfo: [name: string, active: number, total: number, size: number, ...number[]][];
  caches?: Record<string, Record<string, number | string>>;
  alias_of?: Record<string, string>;
}

const isOurs = (name: string) => name.startsWith("mrg");

/** The caches a SLUB kernel had before the recorded creations, oldest first, as sysfs shows them. */
function slubCaches(dump: DumpRecord): Cache[] {
  const aliasOf = dump.alias_of ?? {};
  const directories = dump.caches ?? {};
  return dump.slabinfo
    .map(([name]) => name)
    .filter((name) => !isOurs(name))
    .reverse()
    .map((name) => {
      const directory = aliasOf[name] ?? name;
      const shown = directories[directory] ?? {};
      const bit = (attribute: string, flag: number) => (shown[attribute] === 1 ? flag : 0);
      const added = Object.entries(aliasOf).filter(([n, d]) => isOurs(n) && d === directory);
      return {
        name,
        size: Number(shown.slab_size),
        objectSize: Number(shown.object_size),
        align: Number(shown.align),
        flags:
          bit("hwcache_align", SLAB_HWCACHE_ALIGN) |
          bit("reclaim_account", SLAB_RECLAIM_ACCOUNT) |
          bit("cache_dma", SLAB_CACHE_DMA) |
          bit("sanity_checks", SLAB_CONSISTENCY_CHECKS) |
          (directory.startsWith(":A") ? SLAB_ACCOUNT : 0) |
          (directory.startsWith(":") ? 0 : SLAB_NOLEAKTRACE),
        ctor: shown.ctor !== undefined,
        refcount: Number(shown.aliases) + 1 - added.length,
      };
    });
}

/** As far as /proc/slabinfo and the outcomes tell: SLAB kernels have no sysfs part. */
function slabCaches(build: KernelBuild, dump: DumpRecord, record: MergeRecord): Cache[] {
  const kmalloc = new Map(kmallocCaches(build).map((cache) => [cache.name, cache]));
  const caches: Cache[] = [];
  for (const [name, , , size] of [...dump.slabinfo].reverse()) {
    const first = record.rows.find((row) => row[5] === name);
    if (isOurs(name) || (first === undefined && !kmalloc.has(name))) continue;
    const [, , , asked, , , refcount, objectSize, , align] = first ?? [];
    caches.push({
      name,
      size,
      objectSize: kmalloc.get(name)?.size ?? Number(objectSize),
      align: align ?? 8,
      flags: Number(asked) & SLAB_RECLAIM_ACCOUNT,
      ctor: false,
      refcount: (refcount ?? 2) - 1,
      // 6.1 lets kmalloc memory be copied to user space.
      usersize: build.kernel === "6.1" && kmalloc.has(name) ? size : 0,
    });
  }
  return caches;
}

/** Creates the recorded caches one after the other; what is told of each is the kernel's columns. */
function replay(build: KernelBuild, record: MergeRecord, caches: Cache[]): Outcome[] {
  const { allocator, kernel } = build;
  const params = paramsOf(record.slab_cmdline);
  const rules: MergeRules = { allocator, kernel, parameters: parseBootParameters(kernel, params) };
  return record.rows.map(([name, size, align, asked, ctor]) => {
    const flags = asked & cacheCreateMask(build);
    let cache = findMergeable(rules, caches, { name, size, align, flags, ctor: ctor === 1 });
    if (cache !== undefined) {
      cache.refcount++;
      cache.objectSize = Math.max(cache.objectSize, size);
    } else {
      const config = [...(build.config ?? [])];
      const request = { allocator, kernel, size, align, flags: asked, ctor, params, config };
      const made = geometry(request) as unknown as Record<string, number>;
      cache = {
        name,
        size: Number(made.slab_size ?? made.buf_size),
        objectSize: size,
        align: Number(made.cache_align),
        flags: Number(made.out_flags) & 0x3fffffff,
        ctor: ctor === 1,
        refcount: 1,
      };
      caches.push(cache);
    }
    return [cache.name, cache.refcount, cache.objectSize, cache.size, cache.align];
  });
}

describe(`caches merge as in real kernels (${collection} collection)`, () => {
  const runs = oracleRuns("merge");
  const prepare = (run: string) => {
    const build = kernelOf(run);
    const record = readOracle<MergeRecord>("merge", run);
    const dump = readOracle<DumpRecord>("dump", run);
    const caches = build.allocator === "slub" ? slubCaches(dump) : slabCaches(build, dump, record);
    return { build, record, caches };
  };
  const expected = (record: MergeRecord) => record.rows.map((row) => row.slice(5));

  test("there are records of both allocators", () => {
    expect(runs).toHaveLength(7);
  });

  test.each(runs)("%s: every creation ends in the same cache", (run) => {
    const { build, record, caches } = prepare(run);
    expect(record.rows).toHaveLength(52);
    expect(replay(build, record, caches)).toEqual(expected(record));
  });

  test.each(runs)("%s: the comparison sees the other allocator's rules", (run) => {
    const { build, record, caches } = prepare(run);
    const other = { ...build, allocator: build.allocator === "slub" ? "slab" : "slub" } as const;
    expect(replay(other, record, caches)).not.toEqual(expected(record));
  });

  test.each(runs.filter((run) => kernelOf(run).allocator === "slub"))(
    "%s: each merged cache is shown under its unique id",
    (run) => {
      const { build, record, caches } = prepare(run);
      const outcomes = replay(build, record, caches);
      record.rows.forEach(([name], i) => {
        const cache = caches.find((c) => c.name === outcomes[i]?.[0]) as Cache;
        const directory = record.alias_of?.[name];
        // A cache that stays alone keeps its own name.
        if (directory === undefined || directory === name) return;
        expect(createUniqueId(build.kernel, cache.flags, cache.size)).toBe(directory);
      });
    },
  );
});

describe("merging", () => {
  const rules = (params: Record<string, string>): MergeRules => ({
    allocator: "slub",
    kernel: "4.1",
    parameters: parseBootParameters("4.1", params),
  });
  const plain: MergeCandidate = { size: 192, align: 8, flags: 0, ctor: false, refcount: 1 };
  const request = { name: "fresh", size: 190, align: 0, flags: 0, ctor: false };

  test("is turned off by slab_nomerge and by slub_nomerge", () => {
    expect(findMergeable(rules({}), [plain], request)).toBe(plain);
    expect(findMergeable(rules({ slab_nomerge: "" }), [plain], request)).toBeUndefined();
    expect(findMergeable(rules({ slub_nomerge: "" }), [plain], request)).toBeUndefined();
  });

  test("takes the first cache that fits, which is the oldest", () => {
    const younger = { ...plain };
    expect(findMergeable(rules({}), [plain, younger], request)).toBe(plain);
    expect(findMergeable(rules({}), [{ ...plain, size: 200 }, younger], request)).toBe(younger);
  });

  test("leaves alone what boot exempted, what has a constructor or a window to user space", () => {
    for (const change of [{ refcount: -1 }, { ctor: true }, { usersize: 8 }]) {
      expect(slabUnmergeable(rules({}), { ...plain, ...change })).toBe(true);
    }
    expect(slabUnmergeable(rules({}), plain)).toBe(false);
    expect(findMergeable(rules({}), [plain], { ...request, usersize: 8 })).toBeUndefined();
  });

  test("4.1 overlooks flags that slub_debug= adds to the new cache, 6.1 does not", () => {
    const debugged = rules({ slub_debug: "P,fresh" });
    expect(findMergeable(debugged, [plain], request)).toBe(plain);
    const newer: MergeRules = {
      ...debugged,
      kernel: "6.1",
      parameters: parseBootParameters("6.1", { slub_debug: "P,fresh" }),
    };
    expect(findMergeable(newer, [plain], request)).toBeUndefined();
    expect(findMergeable(debugged, [plain], { ...request, flags: SLAB_POISON })).toBeUndefined();
  });

  test("unique ids name the flags that keep caches apart", () => {
    expect(createUniqueId("4.1", 0, 64)).toBe(":t-0000064");
    expect(createUniqueId("4.1", SLAB_CACHE_DMA | SLAB_CONSISTENCY_CHECKS, 8)).toBe(":dFt-0000008");
    expect(createUniqueId("6.1", 0, 64)).toBe(":0000064");
    const all = SLAB_CACHE_DMA | SLAB_CACHE_DMA32 | SLAB_RECLAIM_ACCOUNT | SLAB_ACCOUNT;
    expect(createUniqueId("6.1", all, 4096)).toBe(":dDaA-0004096");
  });
});
