import { describe, expect, test } from "vitest";
import { DEFAULT_BOOT_PARAMETERS } from "../../src/caches/boot-parameters.ts";
import {
  CFLGS_OBJFREELIST_SLAB,
  CFLGS_OFF_SLAB,
  SLAB_NOLEAKTRACE,
  SLAB_POISON,
  SLAB_RED_ZONE,
  SLAB_TYPESAFE_BY_RCU,
} from "../../src/caches/flags.ts";
import {
  DEBUG_LIMIT,
  freeLimit,
  queueSizes,
  type SlabMachine,
  slabGeometry,
} from "../../src/slab/geometry.ts";
import { collection } from "../oracle/files.ts";
import { compareRun, geometryRuns } from "../oracle/geometry-rows.ts";

const runs = geometryRuns("slab");

describe(`SLAB shapes caches as real kernels do (${collection} collection)`, () => {
  test("there are recorded runs of 4.1, of 4.1 with DEBUG_SLAB and of 6.1", () => {
    for (const prefix of ["k41slab-", "k41slabdbg-", "k61slab-"]) {
      expect(runs.some((run) => run.startsWith(prefix))).toBe(true);
    }
  });

  test.each(runs)("%s: every row, every column", (run) => {
    const { rows, differences } = compareRun(run);
    expect(rows).toBeGreaterThan(20);
    expect(differences).toEqual([]);
  });

  test.each([
    ["the other kernel's rules", "k41slab-nomerge-smp1-g2", { kernel: "6.1" } as const],
    ["a missing DEBUG_SLAB", "k41slabdbg-nomerge-smp1-g2", { config: [] }],
    ["one CPU instead of 16", "k61slab-nomerge-smp16", { cpus: 1, possibleCpus: 1 }],
    ["one node instead of two", "k41slab-numa2-smp4", { nodes: 1 }],
    ["the default order limit", "k61slab-max3", { params: {} }],
  ])("the comparison sees %s", (_what, run, changes) => {
    expect(compareRun(run, changes).differences).not.toEqual([]);
  });
});

const older: SlabMachine = { kernel: "4.1", cpus: 1, nodeCpus: 1 };
const newer: SlabMachine = { kernel: "6.1", cpus: 1, nodeCpus: 1 };
const debug: SlabMachine = { ...older, config: ["DEBUG_SLAB"] };
const plain = { align: 0, flags: 0, ctor: false };
const shape = (machine: SlabMachine, request: { size: number; flags?: number; ctor?: boolean }) =>
  slabGeometry(machine, DEFAULT_BOOT_PARAMETERS, { ...plain, ...request });

describe("the index array", () => {
  const places = CFLGS_OFF_SLAB | CFLGS_OBJFREELIST_SLAB;
  const place = (geometry: { flags: number } | undefined) => (geometry?.flags ?? 0) & places;

  test("lies in a free object in 6.1 where one is large enough", () => {
    expect(place(shape(newer, { size: 64 }))).toBe(CFLGS_OBJFREELIST_SLAB);
    expect(place(shape(newer, { size: 32 }))).toBe(0);
  });

  test("stays out of free objects under a constructor or RCU", () => {
    expect(place(shape(newer, { size: 4096, ctor: true }))).toBe(CFLGS_OFF_SLAB);
    expect(place(shape(newer, { size: 4096, flags: SLAB_TYPESAFE_BY_RCU }))).toBe(CFLGS_OFF_SLAB);
  });

  test("is never off slab where leak detection stays away", () => {
    expect(place(shape(older, { size: 4096 }))).toBe(CFLGS_OFF_SLAB);
    expect(place(shape(older, { size: 4096, flags: SLAB_NOLEAKTRACE }))).toBe(0);
  });

  test("is never off slab for the first caches of 4.1", () => {
    const early = { ...plain, size: 4096, slabEarlyInit: true };
    expect(place(slabGeometry(older, DEFAULT_BOOT_PARAMETERS, early))).toBe(0);
  });
});

test("the largest size fits alone in the largest order, one byte more fits nowhere", () => {
  for (const machine of [older, newer]) {
    expect(shape(machine, { size: 1 << 22 })).toMatchObject({ gfporder: 10, num: 1 });
    expect(shape(machine, { size: (1 << 22) + 1 })).toBeUndefined();
  }
});

test("4.1 with DEBUG_SLAB refuses poison under RCU", () => {
  expect(shape(debug, { size: 64, flags: SLAB_POISON | SLAB_TYPESAFE_BY_RCU })).toBeUndefined();
  expect(shape(debug, { size: 64, flags: SLAB_TYPESAFE_BY_RCU })).toMatchObject({ objOffset: 8 });
});

test("DEBUG_SLAB guards a large object unless that costs it the next power of two", () => {
  const guarded = [4000, 4096, 5000, 8168, 8169].map((size) => {
    const { flags = 0 } = shape(debug, { size }) ?? {};
    return (flags & SLAB_RED_ZONE) !== 0;
  });
  // 8168 bytes, 8 of alignment and two red zones of 8 are 8192.
  expect(guarded).toEqual([true, false, true, true, false]);
});

test("queues shrink as objects grow, and are shared only between CPUs", () => {
  const limits = [256, 257, 1025, 4097, 131073].map((size) => queueSizes(size, 1).limit);
  expect(limits).toEqual([120, 54, 24, 8, 1]);
  expect(queueSizes(64, 2)).toEqual({ limit: 120, batchcount: 60, shared: 8 });
  expect(queueSizes(4097, 2).shared).toBe(0);
  expect(queueSizes(64, 1, DEBUG_LIMIT).limit).toBe(32);
});

test("a node keeps a batch for each of its CPUs, one more, and a slab", () => {
  expect(freeLimit(4, 60, 21)).toBe(5 * 60 + 21);
});
