/**
 * Geometry of machines and parameters that no recorded run has: up to 64 CPUs, more possible than
 * present, limits on both sides at once. Computed by hand from the kernels' formulas.
 */
import { expect, test } from "vitest";
import { type GeometryRequest, geometry } from "../../src/kernel/geometry.ts";

const SLUB_COLUMNS = [
  "slab_size",
  "inuse",
  "offset",
  "red_left_pad",
  "order",
  "objs",
  "min_order",
  "min_objs",
  "min_partial",
  "cpu_partial",
  "cpu_partial_slabs",
];
const SLAB_COLUMNS = [
  "buf_size",
  "num",
  "gfporder",
  "colour",
  "colour_off",
  "freelist_size",
  "limit",
  "batchcount",
  "shared",
  "free_limit",
];

type Row = [
  allocator: "slub" | "slab",
  kernel: "4.1" | "6.1",
  size: number,
  align: number,
  flags: number,
  ctor: number,
  cpus: number,
  possibleCpus: number,
  params: Record<string, number>,
  answer: number[],
];

const ROWS: Row[] = [
  ["slub", "4.1", 700, 0, 0, 0, 32, 32, {}, [704, 704, 0, 0, 3, 46, 0, 5, 5, 13, 0]],
  ["slub", "4.1", 700, 0, 0, 0, 64, 64, {}, [704, 704, 0, 0, 3, 46, 0, 5, 5, 13, 0]],
  [
    "slub",
    "4.1",
    2000,
    0,
    8192,
    0,
    3,
    3,
    { slub_min_objects: 17 },
    [2048, 2000, 0, 0, 3, 16, 0, 2, 5, 6, 0],
  ],
  [
    "slub",
    "4.1",
    192,
    0,
    0,
    0,
    1,
    48,
    { slub_min_order: 2 },
    [192, 192, 0, 0, 2, 85, 0, 21, 5, 30, 0],
  ],
  [
    "slub",
    "4.1",
    5000,
    0,
    0,
    1,
    5,
    5,
    { slub_max_order: 6, slub_min_objects: 100 },
    [5008, 5000, 5000, 0, 6, 52, 1, 1, 6, 2, 0],
  ],
  ["slub", "4.1", 11500, 0, 0, 0, 7, 7, {}, [11504, 11504, 0, 0, 2, 1, 2, 1, 6, 2, 0]],
  [
    "slub",
    "4.1",
    40,
    256,
    66560,
    0,
    33,
    33,
    { slub_max_order: 1 },
    [512, 48, 0, 0, 1, 16, 0, 8, 5, 0, 0],
  ],
  ["slub", "6.1", 700, 0, 0, 0, 2, 64, {}, [704, 704, 344, 0, 2, 23, 0, 5, 5, 52, 5]],
  ["slub", "6.1", 700, 0, 0, 0, 1, 64, {}, [704, 704, 344, 0, 3, 46, 0, 5, 5, 52, 3]],
  [
    "slub",
    "6.1",
    40,
    256,
    66560,
    0,
    33,
    33,
    { slub_max_order: 1 },
    [512, 48, 16, 256, 1, 16, 0, 8, 5, 0, 0],
  ],
  ["slub", "6.1", 11500, 0, 0, 0, 7, 7, {}, [11504, 11504, 5744, 0, 2, 1, 2, 1, 6, 6, 12]],
  [
    "slab",
    "4.1",
    700,
    0,
    0,
    0,
    32,
    32,
    { slab_max_order: 4 },
    [704, 11, 1, 6, 64, 16, 54, 27, 8, 902],
  ],
  ["slab", "4.1", 136, 0, 8192, 0, 1, 64, {}, [192, 21, 0, 0, 64, 64, 120, 60, 8, 141]],
  ["slab", "4.1", 300000, 0, 0, 0, 6, 6, {}, [300000, 1, 7, 3504, 64, 8, 1, 1, 0, 8]],
  [
    "slab",
    "4.1",
    1500,
    512,
    131072,
    0,
    12,
    12,
    { slab_max_order: 5 },
    [1536, 2, 0, 1, 512, 512, 24, 12, 8, 158],
  ],
  [
    "slab",
    "6.1",
    700,
    0,
    0,
    1,
    32,
    32,
    { slab_max_order: 4 },
    [704, 11, 1, 6, 64, 11, 54, 27, 8, 902],
  ],
  ["slab", "6.1", 136, 0, 8192, 0, 1, 64, {}, [192, 21, 0, 1, 64, 21, 120, 60, 8, 141]],
  ["slab", "6.1", 33, 128, 0, 1, 8, 24, {}, [128, 31, 0, 0, 128, 31, 120, 60, 8, 571]],
  [
    "slab",
    "6.1",
    1500,
    512,
    131072,
    0,
    12,
    12,
    { slab_max_order: 5 },
    [1536, 2, 0, 2, 512, 2, 24, 12, 8, 158],
  ],
  [
    "slab",
    "6.1",
    20000,
    0,
    524288,
    0,
    31,
    31,
    { slab_max_order: 6 },
    [20000, 3, 4, 86, 64, 3, 8, 4, 0, 131],
  ],
];

function answerOf([allocator, kernel, size, align, flags, ctor, ...machine]: Row): unknown[] {
  const [cpus, possibleCpus, params] = machine;
  const request = {
    allocator,
    kernel,
    size,
    align,
    flags,
    ctor: ctor === 1,
    cpus,
    possibleCpus,
    params,
  };
  const answer = { ...geometry(request as Partial<GeometryRequest>) } as Record<string, unknown>;
  return (allocator === "slub" ? SLUB_COLUMNS : SLAB_COLUMNS).map((column) => answer[column]);
}

test.each(ROWS)("%s of %s: size %d, align %d, flags %d, ctor %d, %d of %d CPUs, %o", (...row) => {
  expect(answerOf(row)).toEqual(row[9]);
});

test("one more byte an object, or one CPU instead of many, is seen", () => {
  const [first] = ROWS as [Row];
  const larger = first.with(2, first[2] + 8) as Row;
  const alone = first.with(6, 1).with(7, 1) as Row;
  for (const other of [larger, alone]) expect(answerOf(other)).not.toEqual(first[9]);
});
