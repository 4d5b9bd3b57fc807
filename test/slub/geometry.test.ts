import { describe, expect, test } from "vitest";
import { parseBootParameters } from "../../src/caches/boot-parameters.ts";
import {
  SLAB_CACHE_DMA,
  SLAB_CACHE_DMA32,
  SLAB_POISON,
  SLAB_RECLAIM_ACCOUNT,
  SLAB_RED_ZONE,
} from "../../src/caches/flags.ts";
import {
  allocationFlags,
  calculateSizes,
  clampMinPartial,
  orderLimits,
  type SlubMachine,
  slubGeometry,
} from "../../src/slub/geometry.ts";
import { collection } from "../oracle/files.ts";
import { compareRun, geometryRuns } from "../oracle/geometry-rows.ts";

const runs = geometryRuns("slub");

describe(`SLUB shapes caches as real kernels do (${collection} collection)`, () => {
  test("there are recorded runs of every kernel", () => {
    expect(runs.filter((run) => run.startsWith("k41")).length).toBeGreaterThan(10);
    expect(runs.filter((run) => run.startsWith("d61")).length).toBeGreaterThan(10);
    expect(runs.filter((run) => run.startsWith("k71")).length).toBeGreaterThan(10);
  });

  test.each(runs)("%s: every row, every column", (run) => {
    const { rows, differences } = compareRun(run);
    expect(rows).toBeGreaterThan(20);
    expect(differences).toEqual([]);
  });

  test("some of the recorded creations failed, and fail here", () => {
    expect(compareRun("k41slub-FZPU-g1").refused).toBeGreaterThan(0);
  });

  test.each([
    ["the other kernel's rules", "k41slub-nomerge-smp1-g2", { kernel: "6.1" } as const],
    ["one CPU instead of 16", "k41slub-nomerge-smp16", { cpus: 1, possibleCpus: 1 }],
    ["possible CPUs counted as 4.1 does", "d61-nomerge-smp2-possible16", { cpus: 16 }],
    ["no slub_debug", "k41slub-FZPU-g1", { params: {} }],
    ["no O among the debug letters", "d61-debugO", { params: { slub_debug: "FZPU" } }],
    ["no sheaf of the asked capacity", "k71slub-args-smp1", { args: { freeptr_offset: 8 } }],
    [
      "no place asked for the free pointer",
      "k71slub-args-smp1",
      { args: { sheaf_capacity: 1000 } },
    ],
    ["the search for an order of 6.1", "k71slub-nomerge-smp1-g2", { kernel: "6.1" } as const],
    ["no constructor", "d61-nomerge-smp1-g2", { ctor: 0 } as const],
  ])("the comparison sees %s", (_what, run, changes) => {
    expect(compareRun(run, changes).differences).not.toEqual([]);
  });
});

const machine: SlubMachine = { kernel: "4.1", cpus: 4, presentCpus: 4 };
const plain = { align: 0, flags: 0, ctor: false };
const boot = (params: Record<string, string | number>) => parseBootParameters("4.1", params);

describe("beyond the recorded rows", () => {
  test("more CPUs want more objects a slab: 64 CPUs, 32 of them", () => {
    const many = { ...machine, cpus: 64, presentCpus: 64 };
    expect(slubGeometry(many, boot({}), { ...plain, size: 256 })).toMatchObject({
      order: 1,
      objects: 32,
    });
  });

  test("an alignment above the page size makes every object that large", () => {
    const geometry = slubGeometry(machine, boot({}), { ...plain, size: 100, align: 1 << 20 });
    expect(geometry).toMatchObject({ size: 1 << 20, order: 8, objects: 1, minOrder: 8 });
  });

  test("the largest size fits alone in the largest order, one byte more fits nowhere", () => {
    expect(slubGeometry(machine, boot({}), { ...plain, size: 1 << 22 })).toMatchObject({
      order: 10,
      objects: 1,
    });
    expect(slubGeometry(machine, boot({}), { ...plain, size: (1 << 22) + 1 })).toBeUndefined();
    expect(slubGeometry(machine, boot({}), { ...plain, size: 0x7fffffff })).toBeUndefined();
  });

  test("a minimum order above the maximum wins", () => {
    const params = boot({ slub_min_order: 5, slub_max_order: 0 });
    expect(slubGeometry(machine, params, { ...plain, size: 64 })).toMatchObject({ order: 5 });
  });

  test("a minimum order that would hold more than 32767 objects is lowered below them", () => {
    const params = boot({ slub_min_order: 9, slub_max_order: 10 });
    expect(slubGeometry(machine, params, { ...plain, size: 8 })).toMatchObject({
      order: 5,
      objects: 16384,
    });
  });

  test("a minimum order the page allocator does not have makes creation fail", () => {
    const params = boot({ slub_min_order: 11 });
    expect(slubGeometry(machine, params, { ...plain, size: 4096 })).toBeUndefined();
  });

  test("65536 objects do not fit the word that counts them, and creation fails", () => {
    const params = boot({ slub_max_order: 10, slub_min_objects: 65536 });
    expect(slubGeometry(machine, params, { ...plain, size: 8 })).toBeUndefined();
  });

  test("an alignment that is no power of two goes through the kernel's mask arithmetic", () => {
    // align 24: (104 + 23) & ~23
    expect(slubGeometry(machine, boot({}), { ...plain, size: 100, align: 24 })).toMatchObject({
      align: 24,
      size: (104 + 23) & ~23,
    });
  });
});

test.each([
  ["4.1", 0x4000, 0x1, 0x4, 0x8_0000],
  ["6.1", 0x4_0000, 0x1, 0x4, 0x10],
] as const)(
  "a cache of %s asks for pages as its flags and its order say",
  (kernel, comp, dma, dma32, reclaimable) => {
    expect(allocationFlags(kernel, 0, 0)).toBe(0);
    expect(allocationFlags(kernel, 0, 1)).toBe(comp);
    expect(allocationFlags(kernel, SLAB_CACHE_DMA, 0)).toBe(dma);
    expect(allocationFlags(kernel, SLAB_CACHE_DMA32, 0)).toBe(dma32);
    expect(allocationFlags(kernel, SLAB_RECLAIM_ACCOUNT, 1)).toBe(reclaimable | comp);
  },
);

describe("a live cache", () => {
  const limits = orderLimits(machine, boot({}));
  const input = { objectSize: 64, align: 8, ctor: false, reserved: 0, redLeftPad: 0 };

  test("keeps the offset of its free pointer when poisoning is turned off, as 4.1 does", () => {
    const poisoned = calculateSizes("4.1", limits, { ...input, flags: SLAB_POISON, offset: 0 });
    expect(poisoned?.offset).toBe(64);
    const after = calculateSizes("4.1", limits, { ...input, flags: 0, offset: 64 });
    expect(after).toMatchObject({ offset: 64, size: 64 });
  });

  test("takes the order it is told, unless that holds no object", () => {
    const flags = SLAB_RED_ZONE;
    expect(calculateSizes("4.1", limits, { ...input, flags, offset: 0 }, 2)).toMatchObject({
      order: 2,
      objects: 204,
    });
    const large = { ...input, objectSize: 9000, flags: 0, offset: 0 };
    expect(calculateSizes("4.1", limits, large, 1)).toBeUndefined();
  });

  test("keeps min_partial between 5 and 10", () => {
    expect([0, 5, 7, 10, 11].map(clampMinPartial)).toEqual([5, 5, 7, 10, 10]);
  });
});
