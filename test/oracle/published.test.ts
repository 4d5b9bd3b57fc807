/**
 * /proc/slabinfo of machines of others, copied from public posts. They show the size of an object
 * with all it carries, not what it was made of: alignment, constructor and flags of most caches
 * are unknown. Kernels before 3.13 have another slab header, and 32-bit ones other words; both are
 * left out.
 */
import { describe, expect, test } from "vitest";
import { DEFAULT_BOOT_PARAMETERS } from "../../src/caches/boot-parameters.ts";
import { SLAB_HWCACHE_ALIGN, SLAB_RECLAIM_ACCOUNT } from "../../src/caches/flags.ts";
import { type GeometryRequest, geometry } from "../../src/kernel/geometry.ts";
import { type SlabGeometry, slabGeometry } from "../../src/slab/geometry.ts";
import { collection, readOracle } from "./files.ts";

type Shape = [name: string, size: number, objects: number, pages: number, ...tunables: number[]];

interface Sources {
  sources: { source: string; rows: Shape[] }[];
}

const rowsOf = (version: string) => {
  const { sources } = readOracle<Sources>("published", "slab-era-rows");
  return sources.find(({ source }) => source.startsWith(version))?.rows ?? [];
};

function slabShape(request: GeometryRequest): number[] {
  const a = geometry({ allocator: "slab", ...request }) as unknown as Record<string, number>;
  const pages = 2 ** Number(a.gfporder);
  return [a.buf_size, a.num, pages, a.limit, a.batchcount, a.shared].map(Number);
}

describe(`published slabinfo (${collection} collection)`, () => {
  test("RHEL 8's 4.18 SLUB: every cache, on a machine of two CPUs", () => {
    const { rows } = readOracle<{ rows: [string, number, number, ...number[]][] }>(
      "published",
      "4.18.0-80-rhel8-x86_64-slub",
    );
    const shapes = (cpus: number) =>
      rows.map(([name, , , size]) => {
        const a = geometry({ size: Number(size), cpus }) as unknown as Record<string, number>;
        return [name, a.slab_size, a.objs, 2 ** Number(a.order)];
      });
    const recorded = rows.map((row) => [row[0], ...row.slice(3, 6)]);
    expect(rows.length).toBeGreaterThan(100);
    expect(shapes(2)).toEqual(recorded);
    expect(shapes(1)).not.toEqual(recorded);
  });

  test("SLAB of 3.13 to 4.0: the kmalloc caches, by 4.1's rules", () => {
    const rows = rowsOf("3.1x-4.0").filter(([name]) => /^kmalloc-\d+$/.test(name));
    expect(rows.length).toBeGreaterThan(10);
    const machine = { kernel: "4.1", cpus: 1, nodeCpus: 1 } as const;
    for (const [name, ...recorded] of rows) {
      const size = Number(name.slice("kmalloc-".length));
      // The cache of node structs is made before any other could hold an index array for it.
      const slabEarlyInit = name === "kmalloc-128";
      const request = { size, align: 0, flags: SLAB_HWCACHE_ALIGN, ctor: false, slabEarlyInit };
      const s = slabGeometry(machine, DEFAULT_BOOT_PARAMETERS, request) as SlabGeometry;
      const computed = [s.size, s.num, 1 << s.gfporder, s.limit, s.batchcount, s.shared];
      expect([name, ...computed]).toEqual([name, ...recorded]);
    }
  });

  test("5.4 SLAB: every cache has a shape that some flags give it, by 6.1's rules", () => {
    const rows = rowsOf("5.4");
    expect(rows.length).toBeGreaterThan(80);
    const unexplained = rows.filter(([, ...recorded]) => {
      const shapes = candidates(recorded[0]).map((request) => slabShape(request).join());
      return !shapes.includes(recorded.join());
    });
    expect(unexplained).toEqual([]);
    expect(candidates(64).map((request) => slabShape(request).join())).not.toContain(
      [64, 62, 1, 120, 60, 8].join(),
    );
  });
});

/** The ways in which a cache of that buffer size may have been asked for. */
function candidates(size: number): GeometryRequest[] {
  const requests: GeometryRequest[] = [];
  for (const flags of [0, SLAB_RECLAIM_ACCOUNT]) {
    for (const ctor of [false, true]) {
      // The object itself may be smaller by any alignment up to a cache line.
      for (const align of [0, 16, 32, 64]) {
        if (align !== 0 && size % align !== 0) continue;
        const smallest = Math.max(size - Math.max(align, 8) + 1, 1);
        for (const objectSize of [size, smallest]) {
          requests.push({ kernel: "6.1", size: objectSize, align, flags, ctor, cpus: 8 });
        }
      }
    }
  }
  return requests;
}
