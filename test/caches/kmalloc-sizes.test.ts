import { describe, expect, test } from "vitest";
import { getOrder } from "../../src/caches/alignment.ts";
import { ALLOCATORS, type KernelBuild } from "../../src/caches/flags.ts";
import {
  type KmallocType,
  kmallocAlign,
  kmallocCaches,
  kmallocIndex,
  kmallocShiftHigh,
  kmallocSize,
  ZERO_SIZE_PTR,
} from "../../src/caches/kmalloc-sizes.ts";
import { boot, MIB, systemOf } from "../../src/kernel/kernel.ts";
import type { System } from "../../src/kernel/system.ts";
import { PAGE_SIZE } from "../../src/machine/machine.ts";
import { __GFP_DMA, __GFP_RECLAIMABLE, GFP_KERNEL } from "../../src/pages/gfp.ts";
import { Page, PG_SLAB } from "../../src/pages/page.ts";
import { collection, kernelOf, oracleRuns, readOracle } from "../oracle/files.ts";

interface KmallocRecord {
  rows: [type: KmallocType, from: number, to: number, ksize: number, cache: string][];
}

/** Which of the caches that boot creates serves a request, and how many bytes it gives. */
function answers(build: KernelBuild): (type: KmallocType, size: number) => string {
  const { allocator, kernel } = build;
  const caches = new Map(
    kmallocCaches(build).map((cache) => [`${cache.type} ${cache.index}`, cache]),
  );
  return (type, size) => {
    if (size === 0) return "0 of ZERO_SIZE_PTR=1";
    if (size > 1 << kmallocShiftHigh(allocator, kernel)) {
      return `${PAGE_SIZE << getOrder(size)} of page`;
    }
    const index = kmallocIndex(allocator, size);
    const cache = caches.get(`${type} ${index}`) ?? caches.get(`normal ${index}`);
    return `${cache?.size} of ${cache?.name}`;
  };
}

/** Sizes for which the answer differs from the record, which gives ranges of sizes. */
function differences(build: KernelBuild, run: string): string[] {
  const found: string[] = [];
  const answerTo = answers(build);
  for (const [type, from, to, ksize, cache] of readOracle<KmallocRecord>("kmalloc", run).rows) {
    for (let size = from; size <= to; size++) {
      const answer = answerTo(type, size);
      if (answer !== `${ksize} of ${cache}`) {
        found.push(`${type} ${size}: ${answer}, not ${ksize} of ${cache}`);
      }
    }
  }
  return found;
}

const FLAGS_OF = { normal: 0, dma: __GFP_DMA, reclaim: __GFP_RECLAIMABLE } as const;

/** The same of what a system really hands out. */
function systemDifferences(build: KernelBuild, run: string): string[] {
  const kernel = boot({ ...build, cpus: 1, memory: 512 * MIB });
  const found: string[] = [];
  const { rows } = readOracle<KmallocRecord>("kmalloc", run);
  kernel.run(() => {
    for (const [type, from, to, ksize, cache] of rows) {
      // Nothing is accounted to groups here.
      if (type === "cgroup") continue;
      const gfp = GFP_KERNEL | FLAGS_OF[type];
      for (let size = from; size <= to; size++) {
        const object = kernel.kmalloc(size, gfp);
        const answer = `${kernel.ksize(object)} of ${homeOf(systemOf(kernel), object)}`;
        if (answer !== `${ksize} of ${cache}`) found.push(`${type} ${size}: ${answer}`);
        kernel.kfree(object);
      }
    }
  });
  return found;
}

function homeOf({ common, memory, pages }: System, object: number): string {
  if (object === ZERO_SIZE_PTR) return "ZERO_SIZE_PTR=1";
  const page = pages.virtToHeadPage(object);
  if ((memory.read32(page + Page.flags) & PG_SLAB) === 0) return "page";
  return common.nameOf(memory.read32(page + Page.slabCache));
}

describe(`kmalloc sizes go where real kernels send them (${collection} collection)`, () => {
  const runs = oracleRuns("kmalloc");

  test("there are records of both allocators", () => {
    expect(runs).toHaveLength(7);
  });

  test.each(runs)("%s: every size from 0 to 8256, and around each power of two", (run) => {
    expect(differences(kernelOf(run), run)).toEqual([]);
  });

  test.each(runs)("%s: so does a running system, for memory of either zone", (run) => {
    expect(systemDifferences(kernelOf(run), run)).toEqual([]);
  });

  test.each(runs)("%s: the comparison sees the other allocator, and the other kernel", (run) => {
    const build = kernelOf(run);
    const allocator = build.allocator === "slub" ? "slab" : "slub";
    const kernel = build.kernel === "4.1" ? "6.1" : "4.1";
    expect(differences({ ...build, allocator }, run)).not.toEqual([]);
    expect(differences({ ...build, kernel }, run)).not.toEqual([]);
  });
});

describe("the kmalloc caches", () => {
  const names = (build: KernelBuild) => kmallocCaches(build).map((cache) => cache.name);

  test("of 4.1 SLUB come ascending, 96 after 64 and 192 after 128", () => {
    expect(names({ allocator: "slub", kernel: "4.1" })).toEqual(
      [8, 16, 32, 64, 96, 128, 192, 256, 512, 1024, 2048, 4096, 8192].map((n) => `kmalloc-${n}`),
    );
  });

  test("of SLAB start with the one for its node structs", () => {
    const older = names({ allocator: "slab", kernel: "4.1" });
    expect(older.slice(0, 4)).toEqual(["kmalloc-128", "kmalloc-32", "kmalloc-64", "kmalloc-96"]);
    expect(older.at(-1)).toBe("kmalloc-4194304");
  });

  test.each(["k41slab-default", "k61slab-default"])("of %s lie in the order of slabinfo", (run) => {
    const dump = readOracle<{ slabinfo: [string][] }>("dump", run);
    const recorded = dump.slabinfo.map(([name]) => name).filter((name) => /kmalloc-/.test(name));
    expect(names(kernelOf(run)).reverse()).toEqual(recorded);
  });

  test("exist once for each kind of memory the kernel is built for", () => {
    const config = ["ZONE_DMA", "MEMCG_KMEM"] as const;
    const newer = names({ allocator: "slub", kernel: "6.1", config });
    expect(newer).toHaveLength(4 * 13);
    expect(newer.filter((name) => name.endsWith("kmalloc-1k"))).toEqual([
      "kmalloc-1k",
      "dma-kmalloc-1k",
    ]);
    const older = names({ allocator: "slub", kernel: "4.1", config });
    expect(older.at(-1)).toBe("dma-kmalloc-8192");
  });

  test("are aligned to their size since 5.4, where that is a power of two", () => {
    expect([kmallocAlign("4.1", 64), kmallocAlign("6.1", 64), kmallocAlign("6.1", 96)]).toEqual([
      8, 64, 8,
    ]);
  });

  test("serve every size up to the largest, none below its request", () => {
    for (let size = 1; size <= 8192; size++) {
      expect(kmallocSize(kmallocIndex("slub", size))).toBeGreaterThanOrEqual(size);
    }
    expect(kmallocIndex("slub", 8192)).toBe(13);
  });

  test.each(ALLOCATORS)("of %s, and blocks of pages, end at 4 MiB; ranges go on", (allocator) => {
    const kernel = boot({ allocator, cpus: 1, memory: 64 * MIB });
    const [largest, larger, all] = kernel.run(() => [
      kernel.kmalloc(1 << 22),
      kernel.kmalloc((1 << 22) + 1),
      kernel.kmalloc(64 * MIB),
    ]);
    expect(largest).not.toBe(0);
    expect(larger).not.toBe(0);
    expect(all).toBe(0);
  });
});
